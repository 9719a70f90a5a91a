//! Random calls under random faults, each run with a seed. `CONDUIT_SIM_SEEDS=10000` runs as many.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use conduit::{
    Body, Client, Conduit, Error, Executed, Message,
    layer::{Layer, Next, OutboundCall, Outcome},
};
use conduit_json::Json;
use conduit_layers::{Breaker, Budget, CircuitState, Limit, Retry, Timeout, Times};
use conduit_memory::{Delay, FaultPlan, Faults};
use conduit_sim::{Sim, check};
use fastrand::Rng;
use futures_lite::future;

use crate::{Result, World};

const CALLS: u64 = 14;
const RESERVE: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// How often each call was handled.
#[derive(Clone, Default)]
struct Runs(Arc<Mutex<BTreeMap<u64, u32>>>);

impl Runs {
    fn note(&self, message: &Message<Json>) {
        let call = message.headers().get("call").and_then(|call| call.parse().ok());
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *runs.entry(call.expect("every call has a number")).or_default() += 1;
    }

    fn of(&self, call: u64) -> u32 {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(&call).copied().unwrap_or_default()
    }
}

/// Counts the tries.
#[derive(Clone, Default)]
struct Tries(Arc<AtomicU64>);

impl Layer for Tries {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        self.0.fetch_add(1, Relaxed);
        next.run(call).await
    }
}

/// What became of a call.
enum Ended {
    Sent(Result<(), Error>),
    Replied(Result<(), Error>),
    Dropped,
}

fn millis(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.u64(0..=most))
}

async fn worker(world: &World, limit: &Limit, runs: &Runs) -> Result<Conduit<Json>, Error> {
    let node = world.builder("worker").layer(limit.clone()).build()?;
    let (runs, sim) = (runs.clone(), world.sim.clone());
    node.queue_bind("job").await?.concurrency(3).to(move |message: Message<Json>| {
        runs.note(&message);
        let (sim, work) = (sim.clone(), millis(&mut Rng::with_seed(sim.random()), 400));
        async move {
            sim.sleep(work).await;
            let body = message.to_bytes().await?;
            match message.headers().get("do") {
                Some("fail") => Err(Box::<dyn std::error::Error + Send + Sync>::from("it failed")),
                _ if !message.is_request() => Ok(()),
                Some("stream") => Ok(message.reply_body(vec![1; 60_000]).await?),
                _ => Ok(message.reply(&body.len()).await?),
            }
        }
    });
    Ok(node)
}

/// Makes one call, and reads its reply, or drops it on the way.
async fn call(sim: Sim, service: Client<Json>, number: u64, mut rng: Rng) -> Ended {
    sim.sleep(millis(&mut rng, 3_000)).await;
    let body = match rng.u32(..3) {
        0 => Body::from(vec![7; 50_000]),
        1 => Body::reader(futures_lite::io::Cursor::new(vec![7; 40_000])),
        _ => Body::from("small"),
    };
    let what = *rng.choice(["fail", "stream", "reply", "reply"].iter()).unwrap_or(&"reply");
    let patience = if rng.u32(..5) == 0 { 300 } else { 60_000 };
    let limit = sim.sleep(Duration::from_millis(patience));
    let making = async {
        if rng.u32(..3) == 0 {
            let sending = service.send_body("job", body).header("call", number.to_string());
            return Ended::Sent(sending.header("do", what).await.map(drop));
        }
        let asking = service.request_body("job", body).header("call", number.to_string());
        Ended::Replied(match asking.header("do", what).await {
            Ok(reply) => reply.to_bytes().await.map(drop),
            Err(error) => Err(error),
        })
    };
    future::or(making, async {
        limit.await;
        Ended::Dropped
    })
    .await
}

async fn live(sim: &Sim) -> Result {
    let mut rng = Rng::with_seed(sim.random());
    let (world, runs) = (World::new(sim), Runs::default());
    let inbound = [Limit::inbound(rng.usize(1..6)), Limit::inbound(rng.usize(1..6))];
    let outbound = Limit::outbound(rng.usize(1..6)).waiting(rng.usize(..6));
    let breaker = Breaker::new().failures(rng.u32(1..4)).pause(PAUSE);
    let tries = Tries::default();
    let client = world
        .builder("client")
        .layer(Retry::new().budget(Budget::new(0.2, RESERVE)))
        .layer(tries.clone())
        .layer(outbound.clone())
        .layer(breaker.clone())
        .layer(Timeout::new(Times::whole(Duration::from_secs(4))))
        .build()?;

    let loss = 0.2 * rng.f64() * rng.f64();
    let delay = Delay::Exponential(millis(&mut rng, 20));
    let faults = Faults::new().drop(loss).silence(loss).delay(delay);
    world.broker.inject_faults(FaultPlan::new(sim.clone(), rng.u64(..)).on_the_rest(faults));

    let mut calls = Vec::new();
    for number in 0..CALLS {
        let (service, rng) = (client.service("worker"), rng.fork());
        let process = sim.process();
        calls.push((number, process.run(call(sim.clone(), service, number, rng))));
    }
    // One of the workers comes late, and the other one may leave.
    let first = worker(&world, &inbound[0], &runs).await;
    sim.sleep(millis(&mut rng, 2_000)).await;
    let second = worker(&world, &inbound[1], &runs).await;
    if let (Ok(first), true) = (&first, rng.bool()) {
        first.drain(millis(&mut rng, 500)).await;
    }

    for (number, ended) in calls {
        let ended = ended.await.ok_or("nothing is killed")?;
        let ran = runs.of(number);
        let (result, is_request) = match ended {
            Ended::Dropped => continue,
            Ended::Sent(result) => (result, false),
            Ended::Replied(result) => (result, true),
        };
        match result {
            Ok(()) if is_request => assert_eq!(ran, 1, "call {number} has a reply"),
            Err(error) if error.executed() == Executed::No => {
                sim.sleep(Duration::from_secs(1)).await;
                assert_eq!(runs.of(number), 0, "call {number}: {error:?}");
            }
            Err(error) if error.executed() == Executed::Yes => {
                assert_eq!(ran, 1, "call {number}: {error:?}");
            }
            _ => {}
        }
    }
    world.broker.end_faults();
    sim.sleep(Duration::from_secs(60)).await;
    for number in 0..CALLS {
        assert!(runs.of(number) <= 1, "call {number} was handled {} times", runs.of(number));
    }
    let most = CALLS + u64::from(RESERVE) + CALLS / 5;
    assert!(tries.0.load(Relaxed) <= most, "{} tries of {CALLS} calls", tries.0.load(Relaxed));
    let in_flight = [&outbound, &inbound[0], &inbound[1]].map(Limit::in_flight);
    assert_eq!(in_flight, [0; 3], "permits have not come back");

    // The network is well again, and so is the circuit.
    let third = match (first, second) {
        (_, Ok(node)) => node,
        _ => worker(&world, &inbound[1], &runs).await?,
    };
    let service = client.service("worker");
    service.request("job", "last").header("call", CALLS.to_string()).await?;
    let state = breaker.state(&"worker".parse()?, &"job".parse()?);
    assert_eq!((state, runs.of(CALLS)), (CircuitState::Closed, 1));
    drop(third);
    Ok(())
}

#[test]
fn no_handler_runs_twice_for_one_call_and_permits_come_back() {
    check(150, |sim| sim.block_on(live(sim)));
}

/// The service is away for some time: the circuit opens, is half open, and closes when it is back.
async fn away(sim: &Sim) -> Result {
    let mut rng = Rng::with_seed(sim.random());
    let (world, runs) = (World::new(sim), Runs::default());
    let failures = rng.u32(1..5);
    let breaker = Breaker::new().failures(failures).pause(PAUSE);
    let tries = Tries::default();
    let client = world.builder("client").layer(breaker.clone()).layer(tries.clone()).build()?;
    let service = client.service("worker");
    let state = || Ok::<_, Error>(breaker.state(&"worker".parse()?, &"job".parse()?));
    let delay = Delay::Uniform(Duration::ZERO, millis(&mut rng, 30));
    let faults = FaultPlan::new(sim.clone(), rng.u64(..)).on_the_rest(Faults::new().delay(delay));
    world.broker.inject_faults(faults);

    let away = Duration::from_millis(rng.u64(1_000..20_000));
    let mut seen = Vec::new();
    let mut number = 0;
    let limit = Limit::inbound(9);
    let starting = async {
        sim.sleep(away).await;
        worker(&world, &limit, &runs).await
    };
    let calling = async {
        loop {
            number += 1;
            let asking = service.request("job", "x").header("call", number.to_string());
            let before = state()?;
            let result = asking.timeout(Duration::from_secs(1)).await;
            seen.push((before, state()?));
            match result {
                Ok(_) => return Ok::<_, Error>(()),
                Err(error) => assert_ne!(error.executed(), Executed::Yes, "{error:?}"),
            }
            sim.sleep(millis(&mut rng, 200)).await;
        }
    };
    let (node, called) = future::zip(starting, calling).await;
    called?;
    node?.close().await;
    use CircuitState::{Closed, Open};
    let opened = seen.iter().filter(|(before, after)| (*before, *after) == (Closed, Open)).count();
    assert_eq!(opened, 1, "it opens once: {seen:?}");
    assert_eq!(seen.last(), Some(&(Open, Closed)), "the first that succeeds closes it: {seen:?}");
    // While it is open, one call of a pause gets through.
    let most = u64::from(failures) + u64::try_from(away.as_millis() / PAUSE.as_millis())? + 2;
    assert!(
        tries.0.load(Relaxed) <= most,
        "{} tries while away for {away:?}",
        tries.0.load(Relaxed)
    );
    Ok(())
}

#[test]
fn a_circuit_opens_half_opens_and_closes_in_virtual_time() {
    check(150, |sim| sim.block_on(away(sim)));
}
