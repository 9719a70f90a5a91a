//! Slow links: many bodies at once take as long as the link needs, and nothing waits for long behind
//! them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use conduit::{Conduit, Error, Message, Runtime};
use conduit_json::Json;
use conduit_memory::FaultPlan;

use crate::net::{Net, Result};

const SECOND: Duration = Duration::from_secs(1);

/// How fast the connections are, in bytes a second.
#[derive(Debug, Clone, Copy)]
enum Slow {
    Sending(u32),
    Receiving(u32),
}

/// Bodies that are sent at once, from each of some senders to each of some receivers.
#[derive(Debug, Clone, Copy)]
struct Load {
    senders: usize,
    receivers: usize,
    bodies: usize,
    size: usize,
}

/// How long bodies took, and small requests beside them.
struct Took {
    all: Duration,
    /// In ascending order.
    requests: Vec<Duration>,
}

impl Took {
    /// Returns the time below which 99 of 100 requests were.
    fn p99(&self) -> Duration {
        let at = (self.requests.len() * 99).div_ceil(100).saturating_sub(1);
        self.requests.get(at).copied().unwrap_or_default()
    }
}

impl Net {
    fn links(&self, slow: Slow) {
        let plan = FaultPlan::new(self.sim.clone(), 1);
        self.broker.inject_faults(match slow {
            Slow::Sending(rate) => plan.bandwidth(rate),
            Slow::Receiving(rate) => plan.receiving_bandwidth(rate),
        });
    }

    fn default_conduit(&self, name: &str) -> Result<Conduit<Json>, Error> {
        self.builder(name, &self.sim.process()).build()
    }

    /// Runs a future beside the test.
    fn go<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> async_channel::Receiver<T> {
        let (done, result) = async_channel::bounded(1);
        self.sim.spawn(Box::pin(async move {
            done.try_send(future.await).ok();
        }));
        result
    }

    /// A service that reads bodies of a size, and answers requests.
    async fn sink(&self, name: &str, size: usize) -> Result<Conduit<Json>> {
        let sink = self.default_conduit(name)?;
        let read = move |message: Message<Json>| async move {
            let body = message.to_bytes().await?;
            assert_eq!(body.len(), size);
            Ok::<_, Error>(())
        };
        sink.bind("body").await?.concurrency(1000).to(read);
        sink.bind("ping").await?.to(|message| async move { message.reply("pong").await });
        Ok(sink)
    }

    /// Sends bodies, and small requests beside them.
    async fn carry(self: &Arc<Self>, load: Load) -> Result<Took> {
        let mut sinks = Vec::new();
        for receiver in 0..load.receivers {
            sinks.push(self.sink(&format!("sink-{receiver}"), load.size).await?);
        }
        let sources: Result<Vec<_>, _> =
            (0..load.senders).map(|it| self.default_conduit(&format!("source-{it}"))).collect();
        let sources = sources?;
        let start = self.sim.now();
        let mut sending = Vec::new();
        for source in &sources {
            for receiver in 0..load.receivers {
                for _ in 0..load.bodies {
                    let sink = source.service(&*format!("sink-{receiver}"));
                    let sent = async move { sink.send_body("body", vec![7; load.size]).await };
                    sending.push(self.go(sent));
                }
            }
        }
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let requests = self.go(requests(Arc::clone(self), sources[0].clone(), stopped));
        for sent in sending {
            sent.recv().await??;
        }
        let all = self.sim.now() - start;
        drop(stop);
        let requests = requests.recv().await??;
        Ok(Took { all, requests })
    }
}

/// Asks again and again until it is stopped.
async fn requests(
    net: Arc<Net>,
    source: Conduit<Json>,
    stopped: async_channel::Receiver<()>,
) -> Result<Vec<Duration>, Error> {
    let mut times = Vec::new();
    while !stopped.is_closed() {
        let start: Instant = net.sim.now();
        source.service("sink-0").request("ping", &()).await?;
        times.push(net.sim.now() - start);
        net.sim.sleep(SECOND / 50).await;
    }
    times.sort();
    Ok(times)
}

/// Carries a load over slow links, and returns what is wrong with it.
fn check(load: Load, slow: Slow) -> Result {
    Net::run(1, |net| async move {
        net.links(slow);
        let took = net.carry(load).await?;
        let (Slow::Sending(rate) | Slow::Receiving(rate)) = slow;
        let links = match slow {
            Slow::Sending(_) => load.senders,
            Slow::Receiving(_) => load.receivers,
        };
        let bytes = load.senders * load.receivers * load.bodies * load.size / links;
        let own = time(bytes, rate);
        let (all, p99) = (took.all, took.p99());
        assert!(all <= own.mul_f64(1.3), "{load:?} took {all:?} of {own:?}");
        assert!(p99 <= 2 * SECOND, "requests took {p99:?}");
        Ok(())
    })
}

/// Returns the time that a rate takes for some bytes.
fn time(bytes: usize, rate: u32) -> Duration {
    Duration::from_secs(bytes as u64) / rate
}

const ONE: Load = Load { senders: 1, receivers: 1, bodies: 1, size: 300_000 };

#[test]
fn many_bodies_reach_a_receiver_behind_a_slow_link() -> Result {
    check(Load { bodies: 40, ..ONE }, Slow::Receiving(200_000))
}

#[test]
fn bodies_reach_a_receiver_behind_a_very_slow_link() -> Result {
    check(Load { bodies: 8, ..ONE }, Slow::Receiving(50_000))
}

#[test]
fn many_senders_reach_a_receiver_behind_a_slow_link() -> Result {
    check(Load { senders: 40, ..ONE }, Slow::Receiving(200_000))
}

#[test]
fn a_sender_behind_a_slow_link_reaches_many_receivers() -> Result {
    check(Load { receivers: 40, ..ONE }, Slow::Sending(200_000))
}

#[test]
fn bodies_leave_a_sender_behind_a_very_slow_link() -> Result {
    check(Load { bodies: 8, ..ONE }, Slow::Sending(50_000))
}

#[test]
fn a_broadcast_reaches_receivers_behind_slow_links() -> Result {
    const RATE: u32 = 200_000;
    const SIZE: usize = 2_000_000;
    Net::run(1, |net| async move {
        net.links(Slow::Receiving(RATE));
        let mut sinks = Vec::new();
        for _ in 0..3 {
            sinks.push(net.sink("sink", SIZE).await?);
        }
        let source = net.default_conduit("source")?;
        let start = net.sim.now();
        source.service("sink").send_body("body", vec![7; SIZE]).await?;
        let took = net.sim.now() - start;
        assert!(took <= time(SIZE, RATE).mul_f64(1.3), "{took:?}");
        Ok(())
    })
}

/// What is not read has arrived, and is not on the way.
#[test]
fn bodies_whose_readers_stall_block_no_others() -> Result {
    const RATE: u32 = 200_000;
    Net::run(1, |net| async move {
        net.links(Slow::Receiving(RATE));
        let sink = net.sink("sink", ONE.size).await?;
        let stall = |message: Message<Json>| async move {
            std::future::pending::<()>().await;
            drop(message);
        };
        sink.bind("stall").await?.concurrency(4).to(stall);
        let source = net.default_conduit("source")?.service("sink");
        let stalled: Vec<_> = (0..8)
            .map(|_| {
                let source = source.clone();
                net.go(async move { source.send_body("stall", vec![7; ONE.size]).await })
            })
            .collect();
        // Half of them wait for a handler. Each has its first credit.
        net.sim.sleep(5 * SECOND).await;
        let start = net.sim.now();
        for _ in 0..4 {
            source.send_body("body", vec![7; ONE.size]).await?;
        }
        let took = net.sim.now() - start;
        assert!(took <= time(4 * ONE.size, RATE).mul_f64(1.3), "{took:?}");
        assert!(stalled.iter().all(|sent| sent.try_recv().is_err()));
        Ok(())
    })
}

#[test]
fn bodies_follow_a_link_that_falls_and_rises() -> Result {
    const SIZE: usize = 4_000_000;
    const BODIES: usize = 8;
    const FAST: u32 = 10_000_000;
    const SLOW: u32 = 100_000;
    Net::run(1, |net| async move {
        let load = Load { senders: 1, receivers: 1, bodies: BODIES, size: SIZE };
        net.links(Slow::Receiving(FAST));
        let start = net.sim.now();
        let carried = {
            let net = Arc::clone(&net);
            async move { net.carry(load).await }
        };
        let changing = async {
            net.sim.sleep(2 * SECOND).await;
            net.links(Slow::Receiving(SLOW));
            net.sim.sleep(20 * SECOND).await;
            net.links(Slow::Receiving(FAST));
            std::future::pending().await
        };
        let took = futures_lite::future::or(carried, changing).await?;
        let slow = 20 * SECOND;
        let own = time(BODIES * SIZE - time_bytes(slow, SLOW), FAST) + slow;
        let all = net.sim.now() - start;
        assert!(all <= own.mul_f64(1.3), "{all:?} of {own:?}");
        assert!(took.p99() <= 2 * SECOND, "{:?}", took.p99());
        Ok(())
    })
}

/// Returns what a rate carries in a time.
fn time_bytes(time: Duration, rate: u32) -> usize {
    usize::try_from(time.as_secs() * u64::from(rate)).unwrap_or(usize::MAX)
}
