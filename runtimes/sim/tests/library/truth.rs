//! What an asker knows, and when: at exact times.

use std::{sync::Arc, time::Duration};

use conduit::{Conduit, ErrorKind, Executed, Message, transport::Address};
use conduit_json::Json;
use conduit_memory::{FaultPlan, Faults};
use conduit_sim::Sim;
use futures_lite::{StreamExt, future};

use crate::net::{Net, Result};

/// What `slow_network` takes for one packet.
const ONE_WAY: Duration = Duration::from_millis(2);
const IDLE_LIMIT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

/// Says when it is dropped.
struct Guard(async_channel::Sender<Duration>, Arc<Net>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.try_send(self.1.sim.elapsed()).ok();
    }
}

/// Three services, of which each asks the next, and the last never answers. All tell when their
/// handlers begin and when they are dropped.
struct Hops {
    asker: Conduit<Json>,
    _services: Vec<Conduit<Json>>,
    begins: async_channel::Receiver<()>,
    ends: async_channel::Receiver<Duration>,
    sim: Sim,
}

impl Hops {
    async fn new(net: &Arc<Net>) -> Result<Self> {
        let (begun, begins) = async_channel::unbounded();
        let (ended, ends) = async_channel::unbounded();
        let mut services = Vec::new();
        for (name, next) in [("first", "second"), ("second", "third"), ("third", "")] {
            let service = net.conduit(name)?;
            let (begun, ended, net) = (begun.clone(), ended.clone(), Arc::clone(net));
            service.queue_bind("hop").await?.to(move |message: Message<Json>| {
                let guard = Guard(ended.clone(), Arc::clone(&net));
                begun.try_send(()).ok();
                async move {
                    if next.is_empty() {
                        future::pending::<()>().await;
                    }
                    message.service(next).request("hop", &()).no_timeout().await?;
                    drop(guard);
                    Ok::<_, conduit::Error>(())
                }
            });
            services.push(service);
        }
        let (asker, sim) = (net.conduit("asker")?, net.sim.clone());
        Ok(Self { asker, _services: services, begins, ends, sim })
    }

    /// How long after a moment the handlers ended.
    async fn end_after(&self, moment: Duration) -> Result<[Duration; 3]> {
        let mut ends = [Duration::ZERO; 3];
        for end in &mut ends {
            let ended = self.sim.within(HOUR, self.ends.recv()).await;
            *end = ended.ok_or("a handler goes on")?? - moment;
        }
        Ok(ends)
    }
}

#[test]
fn a_dropped_request_ends_its_handlers_at_the_speed_of_the_network() -> Result {
    Net::run(1, |net| async move {
        let hops = Hops::new(&net).await?;
        net.slow_network();
        let asking = hops.asker.service("first").request("hop", &()).no_timeout();
        let begin = async {
            for _ in 0..3 {
                hops.begins.recv().await?;
            }
            Err(async_channel::RecvError)
        };
        let asked = future::or(async { Ok(asking.await.map(drop)) }, begin).await;
        assert!(asked.is_err(), "a reply from nowhere");
        let dropped = net.sim.elapsed();
        assert_eq!(hops.end_after(dropped).await?, [ONE_WAY, 2 * ONE_WAY, 3 * ONE_WAY]);
        Ok(())
    })
}

/// Whoever handles a request knows how much time it has, also where nobody can tell it any more.
#[test]
fn handlers_stop_at_the_deadline_where_cancels_are_lost() -> Result {
    const TIMEOUT: Duration = Duration::from_secs(20);
    Net::run(1, |net| async move {
        let hops = Hops::new(&net).await?;
        let is_cancel = |to: &Address, _: &[u8]| matches!(to, Address::Control { .. });
        let plan = FaultPlan::new(net.sim.clone(), 1).on(is_cancel, Faults::new().drop(1.0));
        net.broker.inject_faults(plan);
        let asked = net.sim.elapsed();
        let asking = hops.asker.service("first").request("hop", &()).timeout(TIMEOUT);
        {
            let asking = asking;
            let first = async {
                hops.begins.recv().await.ok();
                None
            };
            assert!(future::or(async { Some(asking.await) }, first).await.is_none());
        }
        assert_eq!(hops.end_after(asked).await?, [TIMEOUT; 3]);
        Ok(())
    })
}

#[test]
fn an_instance_that_dies_is_missed_within_the_idle_limit() -> Result {
    for (is_killed, after) in [(true, 3), (true, 60), (false, 3), (false, 60)] {
        Net::run(1, |net| async move {
            let process = net.sim.process();
            let worker = net.builder("worker", &process).build()?;
            stuck(&worker).await?;
            let asker = net.conduit("asker")?;
            let asking = asker.service("worker").request("job", &()).timeout(HOUR);
            let dying = async {
                net.sim.sleep(Duration::from_secs(after)).await;
                if is_killed {
                    process.kill();
                } else {
                    process.freeze();
                }
                net.sim.elapsed()
            };
            let (asked, died) = future::zip(asking, dying).await;
            let error = asked.map(drop).expect_err("it is dead");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
            let missed = net.sim.elapsed() - died;
            assert!(missed <= IDLE_LIMIT, "missed after {missed:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_handler_may_take_its_time() -> Result {
    const LONG: Duration = Duration::from_secs(600);
    Net::run(1, |net| async move {
        let worker = net.conduit("worker")?;
        let clock = net.sim.clone();
        worker.queue_bind("job").await?.serve(move |number: u64| {
            let clock = clock.clone();
            async move {
                clock.sleep(LONG).await;
                Ok::<_, conduit::Error>(number)
            }
        });
        let asker = net.conduit("asker")?;
        for body in ["7".to_owned(), format!("{}7", " ".repeat(100_000))] {
            let before = net.sim.elapsed();
            let asking = asker.service("worker").request_body("job", body);
            let reply = asking.timeout(LONG + LONG / 2).await?;
            assert_eq!(reply.decode::<u64>().await?, 7);
            assert!(net.sim.elapsed() - before < LONG + Duration::from_secs(1));
        }
        Ok(())
    })
}

/// The broker tells nothing where somebody listens to everything. Here, it loses what is sent to
/// one subject, and the notice.
#[test]
fn where_the_broker_tells_nothing_there_is_no_answer() -> Result {
    Net::run(1, |net| async move {
        let worker = net.conduit("worker")?;
        worker.queue_bind("echo").await?.serve(async |number: u64| Ok::<_, conduit::Error>(number));
        let asker = net.conduit("asker")?;
        let is_to_nobody = |to: &Address, _: &[u8]| matches!(to, Address::Subject { subject, .. } if subject.as_str() == "nothing");
        let plan = FaultPlan::new(net.sim.clone(), 1).on(is_to_nobody, Faults::new().drop(1.0));
        net.broker.inject_faults(plan);
        let service = asker.service("worker");
        // Of a streamed one it is known that no handler has started: nobody was confirmed.
        for (size, executed) in [(100, Executed::Maybe), (100_000, Executed::No)] {
            let before = net.sim.elapsed();
            let asking = service.request_body("nothing", vec![7; size]).timeout(HOUR);
            let meanwhile = async {
                net.sim.sleep(Duration::from_secs(1)).await;
                service.request("echo", &7).await?.decode::<u64>().await
            };
            let (asked, echo) = future::zip(asking, meanwhile).await;
            assert_eq!(echo?, 7);
            let error = asked.map(drop).expect_err("nobody is there");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::NoAnswer, executed));
            assert_eq!(net.sim.elapsed() - before, SEND_TIMEOUT, "{size} bytes");
        }
        Ok(())
    })
}

#[test]
fn a_request_to_all_ends_in_silence_where_one_is_frozen() -> Result {
    Net::run(1, |net| async move {
        let mut workers = Vec::new();
        let mut processes = Vec::new();
        for _ in 0..5 {
            let process = net.sim.process();
            let worker = net.builder("worker", &process).build()?;
            worker.bind("size").await?.serve(async |()| Ok::<u64, conduit::Error>(1));
            workers.push(worker);
            processes.push(process);
        }
        let asker = net.conduit("asker")?;
        // It is up.
        asker.service("worker").request("size", &()).await?;
        processes[2].freeze();
        let before = net.sim.elapsed();
        let all = asker.service("worker").request_all("size", &()).timeout(HOUR);
        let replies: Vec<_> = all.collect().await;
        assert_eq!(net.sim.elapsed() - before, SEND_TIMEOUT);
        let mut instances = Vec::new();
        for reply in replies {
            instances.push(reply?.source().instance);
        }
        let mut wanted: Vec<_> = workers.iter().map(Conduit::instance).collect();
        wanted.remove(2);
        instances.sort();
        wanted.sort();
        assert_eq!(instances, wanted);
        Ok(())
    })
}

/// Handlers that never end.
async fn stuck(worker: &Conduit<Json>) -> Result {
    worker.queue_bind("job").await?.to(|message| async move {
        future::pending::<()>().await;
        drop(message);
    });
    Ok(())
}
