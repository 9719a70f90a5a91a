//! Instances of services, with their bindings.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use conduit::{Conduit, ErrorKind, FailedDelivery, Runtime, Stats, Worker};
use conduit_json::Json;
use conduit_memory::{Link, Memory};
use conduit_sim::{Process, Sim};
use fastrand::Rng;

use crate::{
    handlers,
    limits::Limits,
    napping::Pace,
    oracle::{Oracle, Place},
    plan::Subject,
};

pub(crate) const SERVICES: [&str; 2] = ["users", "mail-service"];

pub(crate) struct World {
    pub(crate) broker: Memory,
    pub(crate) instances: Vec<Instance>,
}

pub(crate) struct Instance {
    pub(crate) service: usize,
    pub(crate) process: Process,
    pub(crate) link: Link,
    pub(crate) conduit: Conduit<Json>,
    workers: Arc<Vec<Worker>>,
    before: Stats,
    is_drained: AtomicBool,
}

impl World {
    pub(crate) async fn start(
        sim: &Sim,
        oracle: &Arc<Oracle>,
        rng: &mut Rng,
        counts: &[usize],
    ) -> Result<Self, Box<dyn Error>> {
        let broker = Memory::new();
        let mut instances = Vec::new();
        for (service, &count) in counts.iter().enumerate() {
            for _ in 0..count {
                instances.push(Instance::start(sim, oracle, rng, &broker, service).await?);
            }
        }
        sim.sleep(Duration::from_secs(1)).await;
        for instance in &mut instances {
            instance.before = instance.conduit.stats();
        }
        Ok(Self { broker, instances })
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = &Instance> {
        let is_gone = |instance: &Instance| {
            instance.process.is_killed() || instance.is_drained.load(Ordering::SeqCst)
        };
        self.instances.iter().filter(move |instance| !is_gone(instance))
    }

    /// Everything works for all that live: each asks the next service, and one sends to all.
    pub(crate) async fn works(&self, sim: &Sim, limits: &Limits) -> Result<(), Box<dyn Error>> {
        const LIMIT: Duration = Duration::from_secs(60);
        let living: Vec<_> = self.living().collect();
        let long = vec![7; limits.chunk * 5 / 2];
        for (at, instance) in living.iter().enumerate() {
            let to = (instance.service + at) % SERVICES.len();
            let bindings = living.iter().filter(|other| other.service == to).count();
            if bindings == 0 {
                continue;
            }
            let service = instance.conduit.service(SERVICES[to]);
            for body in [&long[..1], &long] {
                let request = service.request_body("job.of.many", body);
                let reply = sim.within(LIMIT, async { request.await?.to_bytes().await });
                if reply.await.ok_or("a request hangs")?? != body {
                    return Err("a reply is wrong".into());
                }
            }
            let send = service.send_body("note", &long).expect(bindings * Subject::Note.plain());
            let sent = sim.within(LIMIT, send).await.ok_or("a send hangs")??;
            // Some may have no room for two at once.
            let refused = |failed: &FailedDelivery| failed.error.kind() == ErrorKind::Overloaded;
            let answers = sent.completed().len() + sent.failed().len();
            if answers != bindings * Subject::Note.plain() || !sent.failed().iter().all(refused) {
                return Err(format!("all of {bindings} instances have to get it: {sent:?}").into());
            }
        }
        Ok(())
    }

    /// Nothing is held any more that was not held at the start.
    pub(crate) fn is_clean(&self) -> Result<(), String> {
        for instance in self.living() {
            let (before, now) = (instance.before, instance.conduit.stats());
            let mut counted = now;
            counted.lost_messages = before.lost_messages;
            counted.missed_messages = before.missed_messages;
            counted.unsent_messages = before.unsent_messages;
            counted.waited_for_credit = before.waited_for_credit;
            if counted != before {
                return Err(format!("a leak: {now:?}, and at the start {before:?}"));
            }
            if instance.workers.iter().any(|worker| worker.waiting() > 0) {
                return Err("a message waits in a binding".into());
            }
        }
        match self.broker.queued() {
            0 => Ok(()),
            count => Err(format!("{count} packets wait in the broker")),
        }
    }

    /// Closes all, and nothing is left.
    pub(crate) async fn close(self, sim: &Sim) -> Result<(), String> {
        for instance in self.living() {
            let close = instance.conduit.close();
            sim.within(Duration::from_secs(10), close).await.ok_or("closing hangs")?;
        }
        sim.sleep(Duration::from_secs(1)).await;
        for instance in self.living() {
            let stats = instance.conduit.stats();
            if (stats.tasks, stats.subscriptions, stats.bindings) != (0, 0, 0) {
                return Err(format!("left when closed: {stats:?}"));
            }
        }
        match self.broker.subscriptions() {
            0 => Ok(()),
            count => Err(format!("{count} subscriptions are left")),
        }
    }
}

impl Instance {
    async fn start(
        sim: &Sim,
        oracle: &Arc<Oracle>,
        rng: &mut Rng,
        broker: &Memory,
        service: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let transport = broker.clone();
        let link = transport.link();
        let process = sim.process();
        let limits = &oracle.limits;
        let conduit = Conduit::builder(SERVICES[service])
            .runtime(process.clone())
            .ids(sim.ids())
            .transport(transport)
            .encoder(Json)
            .chunk_size(limits.chunk)
            .first_window(limits.first_window)
            .body_window(limits.window)
            .body_budget(limits.budget)
            .max_waiting_messages(limits.waiting)
            .max_waiting_bytes_per_binding(limits.waiting_bytes)
            .max_waiting_bytes(limits.waiting_bytes_at_all)
            .max_bodies_per_binding(limits.bodies)
            .max_bodies(limits.bodies_at_all())
            .outbox_size(512)
            .build()?;
        let mut workers = Vec::new();
        for subject in [Subject::Note, Subject::Job, Subject::Both] {
            let plain = (0..subject.plain()).map(|binding| (false, binding));
            let group = (0..subject.group()).map(|binding| (true, binding));
            for (group, binding) in plain.chain(group) {
                let bound = match group {
                    true => conduit.queue_bind(subject.name()).await?,
                    false => conduit.bind(subject.name()).await?,
                };
                let place = Place { instance: conduit.instance(), group, binding };
                let (sim, oracle, process) = (sim.clone(), Arc::clone(oracle), process.clone());
                // Two broadcasts that cross at two sequential handlers wait for each other: one lags.
                let queues = group && oracle.queues();
                let at_once = !queues && (rng.bool() || oracle.is_calm());
                let concurrency = if queues { 1 } else { [1, 1, 2, 8][rng.usize(..4)] };
                let work = Duration::from_millis(if queues { rng.u64(..20_000) } else { 0 });
                if at_once && binding == 0 && rng.u32(..3) == 0 {
                    let reading =
                        Pace::random(rng).read(sim, oracle, process.clone(), place, bound);
                    process.spawn(Box::pin(reading));
                    continue;
                }
                workers.push(bound.concurrency(concurrency).to(move |message| {
                    let (sim, oracle, process) =
                        (sim.clone(), Arc::clone(&oracle), process.clone());
                    if let Some(op) = handlers::op_of(&oracle, &message) {
                        oracle.runs(op, place, &message);
                    }
                    async move {
                        if at_once {
                            handlers::at_once(&process, &sim, &oracle, place, message);
                            return Ok(());
                        }
                        sim.sleep(work).await;
                        handlers::handle(sim, oracle, place, message, true).await
                    }
                }));
            }
        }
        let workers = Arc::new(workers);
        oracle.watch(conduit.clone(), Arc::clone(&workers));
        let before = conduit.stats();
        let is_drained = AtomicBool::new(false);
        Ok(Self { service, process, link, conduit, workers, before, is_drained })
    }

    /// Drains it, which takes no longer than the limit and a few seconds.
    pub(crate) async fn drain(&self, sim: &Sim, oracle: &Oracle, limit: Duration) {
        const MOST: Duration = Duration::from_secs(5);
        self.is_drained.store(true, Ordering::SeqCst);
        let drained = sim.within(limit + MOST, self.conduit.drain(limit)).await;
        oracle.log(|| format!("{drained:?}"));
        if drained.is_none() && !self.process.is_killed() {
            oracle.wrong(format!("draining takes longer than {limit:?}"));
        }
        let stats = self.conduit.stats();
        if !self.process.is_killed() && (stats.subscriptions, stats.bindings) != (0, 0) {
            oracle.wrong(format!("left when drained: {stats:?}"));
        }
    }
}
