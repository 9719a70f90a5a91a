//! Plain bindings beside a group: what an asker knows of either, at exact times.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Binding, Conduit, Error, ErrorKind, Executed, Failure, Message, transport::Address};
use conduit_json::Json;
use conduit_memory::{Delay, FaultPlan, Faults};
use futures_lite::future;

use crate::net::{Net, Result};

const ACCEPT: u8 = 3;
const PROBE: u8 = 16;
/// One packet, and a stream.
const SIZES: [usize; 2] = [8, 100_000];
const RETRY: Duration = Duration::from_secs(1);
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

fn known(error: &Error) -> (ErrorKind, Executed, bool) {
    (error.kind(), error.executed(), error.is_retryable())
}

fn code(error: &Error) -> Option<&str> {
    error.failure().map(Failure::code)
}

/// A bind that reads each request and fails.
async fn failing(conduit: &Conduit<Json>) -> Result {
    conduit.bind("job").await?.to(|message: Message<Json>| async move {
        message.to_bytes().await?;
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(Failure::new("no.log", "full").into())
    });
    Ok(())
}

/// The broker loses all notices.
fn without_notices(net: &Net) {
    let silent = Faults::new().silence(1.0);
    net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on_the_rest(silent));
}

/// Beside a bind that fails there may be a group, and a member of it may just be slow.
#[test]
fn a_bind_that_fails_is_no_answer_while_a_member_may_have_the_request() -> Result {
    for size in SIZES {
        Net::run(1, |net| async move {
            let process = net.sim.process();
            let (logger, worker) =
                (net.conduit("worker")?, net.builder("worker", &process).build()?);
            failing(&logger).await?;
            let runs = Arc::<AtomicU64>::default();
            let count = Arc::clone(&runs);
            worker.queue_bind("job").await?.to(move |message: Message<Json>| {
                count.fetch_add(1, Ordering::SeqCst);
                async move { message.reply(&7).await }
            });
            let asker = net.conduit("asker")?;
            asker.service("worker").request("job", &7).await?;

            process.freeze();
            let began = net.sim.elapsed();
            let asked = asker.service("worker").request_body("job", vec![7; size]).timeout(HOUR);
            let error = asked.await.map(drop).expect_err("nothing answers");
            assert_eq!(known(&error), (ErrorKind::NoAnswer, Executed::Maybe, false), "{size}");
            assert_eq!(code(&error), Some("no.log"), "{size}: {error:?}");
            let took = net.sim.elapsed() - began;
            assert!((SEND_TIMEOUT..=2 * SEND_TIMEOUT).contains(&took), "{size}: {took:?}");
            if size == SIZES[0] {
                process.thaw();
                net.sim.sleep(RETRY).await;
                assert_eq!(runs.load(Ordering::SeqCst), 2, "maybe was right");
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn without_the_word_of_the_broker_a_bind_that_fails_is_no_answer() -> Result {
    for size in SIZES {
        for is_told in [true, false] {
            Net::run(1, |net| async move {
                let logger = net.conduit("worker")?;
                failing(&logger).await?;
                let asker = net.conduit("asker")?;
                if !is_told {
                    without_notices(&net);
                }
                let began = net.sim.elapsed();
                let asked =
                    asker.service("worker").request_body("job", vec![7; size]).timeout(HOUR);
                let error = asked.await.map(drop).expect_err("the bind fails");
                let (wanted, least) = match is_told {
                    true => ((ErrorKind::HandlerFailed, Executed::Yes, false), Duration::ZERO),
                    false => ((ErrorKind::NoAnswer, Executed::Maybe, false), SEND_TIMEOUT),
                };
                assert_eq!(known(&error), wanted, "{size}");
                assert_eq!(code(&error), Some("no.log"), "{size}: {error:?}");
                assert!(net.sim.elapsed() - began >= least, "{size}");
                Ok(())
            })?;
        }
    }
    Ok(())
}

#[test]
fn the_broker_is_asked_again_whether_there_is_a_group() -> Result {
    Net::run(1, |net| async move {
        let logger = net.conduit("worker")?;
        failing(&logger).await?;
        let asker = net.conduit("asker")?;
        let was_probed = AtomicBool::new(false);
        let is_first_probe = move |_: &Address, packet: &[u8]| {
            packet[1] == PROBE && !was_probed.swap(true, Ordering::SeqCst)
        };
        let lost = Faults::new().drop(1.0);
        net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on(is_first_probe, lost));
        let began = net.sim.elapsed();
        let error = asker.service("worker").request("job", &7).timeout(HOUR).await;
        let error = error.map(drop).expect_err("the bind fails");
        assert_eq!(known(&error), (ErrorKind::HandlerFailed, Executed::Yes, false));
        assert_eq!(net.sim.elapsed() - began, RETRY);
        Ok(())
    })
}

/// A worker whose group is full for ever.
async fn full(net: &Net) -> Result<(Conduit<Json>, Binding<Json>)> {
    let builder = net.builder("worker", &net.sim.process());
    let worker = builder.max_waiting_messages(1).build()?;
    let binding = worker.queue_bind("job").await?;
    net.conduit("filler")?.service("worker").send("job", &1).await?;
    net.sim.sleep(RETRY).await;
    assert_eq!(binding.waiting(), 1);
    Ok((worker, binding))
}

/// Counts the requests of a subject that it sees.
async fn logging(conduit: &Conduit<Json>) -> Result<(conduit::Worker, Arc<AtomicU64>)> {
    let runs = Arc::<AtomicU64>::default();
    let count = Arc::clone(&runs);
    let handler = conduit.bind("job").await?.to(move |message: Message<Json>| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { message.to_bytes().await.map(drop) }
    });
    Ok((handler, runs))
}

#[test]
fn a_group_that_refuses_says_nothing_of_a_bind() -> Result {
    for size in SIZES {
        Net::run(1, |net| async move {
            let (_worker, _full) = full(&net).await?;
            let logger = net.conduit("worker")?;
            let (handler, runs) = logging(&logger).await?;
            let asker = net.conduit("asker")?;
            let refused = async || {
                let service = asker.service("worker");
                let asked = service.request_body("job", vec![7; size]).timeout(RETRY).await;
                known(&asked.map(drop).expect_err("the group is full"))
            };
            let maybe = (ErrorKind::Overloaded, Executed::Maybe, false);
            for run in 1..3 {
                assert_eq!(refused().await, maybe, "{size}");
                assert_eq!(runs.load(Ordering::SeqCst), run, "{size}: it runs once for each");
            }
            handler.unbind().await;
            let no = (ErrorKind::Overloaded, Executed::No, true);
            assert_eq!(refused().await, no, "{size}: the broker says that there is no bind");
            if size == SIZES[0] {
                without_notices(&net);
                assert_eq!(refused().await, maybe, "nobody says it");
                net.broker.end_faults();
                // After a while the group is thought to take requests again.
                net.sim.sleep(HOUR).await;
                assert_eq!(refused().await, maybe, "one packet went to both");
                assert_eq!(refused().await, no);
            }
            assert_eq!(runs.load(Ordering::SeqCst), 2, "{size}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Requests that go to plain bindings and to the group apart keep their place among all messages.
#[test]
fn requests_keep_their_order_where_the_group_has_refused() -> Result {
    Net::run(1, |net| async move {
        let (_worker, full) = full(&net).await?;
        let logger = net.conduit("worker")?;
        let mut log = logger.bind("job").await?;
        let asker = net.conduit("asker")?;
        let service = asker.service("worker").timeout(RETRY);
        service.request("job", &0_u64).await.map(drop).expect_err("the group is full");
        drop(full);
        let worker = net.conduit("worker")?;
        let mut group = worker.queue_bind("job").await?;
        for number in (1..20_u64).step_by(2) {
            service.send("job", &number).await?;
            let asked = service.request("job", &(number + 1));
            let answered = async {
                assert_eq!(group.next().await.expect("it is bound").decode::<u64>().await?, number);
                let request = group.next().await.expect("it is bound");
                assert_eq!(request.decode::<u64>().await?, number + 1);
                request.reply(&()).await
            };
            let (asked, answered) = future::zip(asked, answered).await;
            asked?;
            answered?;
        }
        for number in 0..21_u64 {
            assert_eq!(log.next().await.expect("it is bound").decode::<u64>().await?, number);
        }
        assert_eq!((log.missed(), log.lost()), (0, 0));
        Ok(())
    })
}

/// One that accepts a body after the join window does not get it, and counts it.
#[test]
fn a_bind_that_is_too_late_counts_what_it_lost() -> Result {
    for is_request in [false, true] {
        Net::run(1, |net| async move {
            let (worker, late) = (net.conduit("worker")?, net.conduit("worker")?);
            worker.queue_bind("job").await?.to(|message: Message<Json>| async move {
                message.to_bytes().await?;
                if message.is_request() { message.reply(&7).await } else { Ok(()) }
            });
            let (bind, runs) = logging(&late).await?;
            let instance = late.instance();
            let is_accept = move |_: &Address, packet: &[u8]| {
                let id = instance.to_bytes();
                packet[1] == ACCEPT && packet.windows(id.len()).any(|part| part == id)
            };
            let slow = Faults::new().delay(Delay::Fixed(RETRY));
            net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on(is_accept, slow));
            let asker = net.conduit("asker")?;
            let service = asker.service("worker");
            if is_request {
                service.request_body("job", vec![7; SIZES[1]]).await?;
            } else {
                service.send_body("job", vec![7; SIZES[1]]).await?;
            }
            net.sim.sleep(HOUR).await;
            assert_eq!((runs.load(Ordering::SeqCst), bind.lost()), (0, 1));
            assert_eq!(late.stats().lost_messages, 1);
            Ok(())
        })?;
    }
    Ok(())
}
