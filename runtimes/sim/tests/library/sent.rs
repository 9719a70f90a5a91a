//! What an asker knows of its handler where little of what it said has left it, or nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{
    Conduit, Error, ErrorKind, Executed,
    transport::{Address, Destination, Targets, Transport},
};
use conduit_json::Json;
use conduit_memory::{Delay, FaultPlan, Faults, Memory};
use futures_lite::StreamExt;

use crate::net::{Net, Result};

const ACCEPT: u8 = 3;
const CONFIRM: u8 = 4;
/// One packet, and a stream.
const SIZES: [usize; 2] = [8, 100_000];
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// A worker whose handlers are counted.
async fn counting(worker: &Conduit<Json>) -> Result<Arc<AtomicU64>> {
    let runs = Arc::<AtomicU64>::default();
    for is_group in [false, true] {
        let count = Arc::clone(&runs);
        let binding = match is_group {
            true => worker.queue_bind("job").await?,
            false => worker.bind("all").await?,
        };
        binding.to(move |message: conduit::Message<Json>| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                let length = message.to_bytes().await?.len() as u64;
                if message.is_request() { message.reply(&length).await } else { Ok(()) }
            }
        });
    }
    Ok(runs)
}

fn known(error: &Error) -> (ErrorKind, Executed, bool) {
    (error.kind(), error.executed(), error.is_retryable())
}

#[test]
fn without_a_connection_nothing_is_sent_and_nothing_runs() -> Result {
    Net::run(1, |net| async move {
        let worker = net.conduit("worker")?;
        let runs = counting(&worker).await?;
        let transport = net.broker.clone();
        let link = transport.link();
        let builder = Conduit::builder("asker").runtime(net.sim.clone()).ids(net.sim.ids());
        let asker = builder.transport(transport).encoder(Json).build()?;
        let service = asker.service("worker");
        service.request("job", &7).await?;
        let before = runs.load(Ordering::SeqCst);

        link.disconnect();
        for size in SIZES {
            let began = net.sim.elapsed();
            let asked = service.request_body("job", vec![7; size]).timeout(HOUR).await;
            let error = asked.map(drop).expect_err("there is no connection");
            assert_eq!(known(&error), (ErrorKind::Disconnected, Executed::No, true), "{size}");
            let asked = service.request_body("job", vec![7; size]).timeout(SECOND).await;
            let error = asked.map(drop).expect_err("there is no connection");
            assert_eq!(known(&error), (ErrorKind::Deadline, Executed::No, false), "{size}");
            let all: Vec<_> = service.request_all("all", &7).timeout(HOUR).collect().await;
            let [Err(error)] = &all[..] else { panic!("not an error: {all:?}") };
            assert_eq!(known(error), (ErrorKind::Disconnected, Executed::No, true), "{size}");
            let sent = service.send_body("job", vec![7; size]).await;
            let error = sent.map(drop).expect_err("there is no connection");
            assert_eq!(known(&error), (ErrorKind::Disconnected, Executed::No, true), "{size}");
            assert_eq!(net.sim.elapsed() - began, 3 * SEND_TIMEOUT + SECOND);
        }
        link.reconnect();
        net.sim.sleep(HOUR).await;
        assert_eq!(runs.load(Ordering::SeqCst), before, "what failed came all the same");
        Ok(())
    })
}

/// The client may send later what it was given.
#[test]
fn a_packet_that_was_handed_over_may_arrive() -> Result {
    Net::run(1, |net| async move {
        let worker = net.conduit("worker")?;
        counting(&worker).await?;
        let transport = net.broker.clone();
        let link = transport.link();
        let builder = Conduit::builder("asker").runtime(net.sim.clone()).ids(net.sim.ids());
        let asker = builder.transport(transport).encoder(Json).build()?;
        let service = asker.service("worker");
        service.request("job", &7).await?;
        let late = Faults::new().delay(Delay::Fixed(SECOND));
        net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on_the_rest(late));
        for (size, after) in [(SIZES[0], 500), (SIZES[1], 2_500)] {
            let asking = service.request_body("job", vec![7; size]).timeout(4 * SECOND);
            let breaking = async {
                net.sim.sleep(Duration::from_millis(after)).await;
                link.disconnect();
            };
            let (asked, ()) = futures_lite::future::zip(asking, breaking).await;
            let error = asked.map(drop).expect_err("its reply is lost");
            assert_eq!(known(&error), (ErrorKind::Deadline, Executed::Maybe, false), "{size}");
            link.reconnect();
        }
        Ok(())
    })
}

#[test]
fn an_offer_starts_a_handler_once_it_is_confirmed() -> Result {
    for (lost, executed) in [(ACCEPT, Executed::No), (CONFIRM, Executed::Maybe)] {
        for subject in ["job", "all"] {
            Net::run(1, |net| async move {
                let worker = net.conduit("worker")?;
                let runs = counting(&worker).await?;
                let asker = net.conduit("asker")?;
                let service = asker.service("worker");
                let is_lost = move |_: &Address, packet: &[u8]| packet[1] == lost;
                let plan = FaultPlan::new(net.sim.clone(), 1).on(is_lost, Faults::new().drop(1.0));
                net.broker.inject_faults(plan);
                let asked = service.request_body(subject, vec![7; SIZES[1]]).timeout(SECOND).await;
                let error = asked.map(drop).expect_err("its handler has not started");
                assert_eq!(known(&error), (ErrorKind::Deadline, executed, false), "{subject}");
                if lost == ACCEPT {
                    // The sender gives up by itself, and says the same.
                    let sent = service.send_body(subject, vec![7; SIZES[1]]).await;
                    let error = sent.map(drop).expect_err("its handler has not started");
                    assert_eq!(known(&error), (ErrorKind::NoAnswer, executed, true), "{subject}");
                }
                assert_eq!(runs.load(Ordering::SeqCst), 0);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// The packet waits for room when the deadline passes: it is still ours.
#[test]
fn what_waits_for_room_was_not_handed_over() -> Result {
    Net::run(1, |net| async move {
        let broker = Memory::builder().subscription_capacity(16).build();
        let net = Arc::new(Net { sim: net.sim.clone(), broker });
        let process = net.sim.process();
        let worker = net.builder("worker", &process).build()?;
        let runs = counting(&worker).await?;
        let asker = net.conduit("asker")?;
        let service = asker.service("worker");
        service.request("job", &7).await?;
        let before = runs.load(Ordering::SeqCst);
        process.freeze();
        fill(&net.broker, "job")?;
        let error = service.request("job", &7).timeout(SECOND).await;
        let error = error.map(drop).expect_err("its handler has not started");
        assert_eq!(known(&error), (ErrorKind::Deadline, Executed::No, false));
        process.thaw();
        net.sim.sleep(HOUR).await;
        assert_eq!(runs.load(Ordering::SeqCst), before);
        Ok(())
    })
}

/// Publishes rubbish to the group of a subject, until there is no room for more.
fn fill(broker: &Memory, subject: &str) -> Result {
    let (service, subject) = ("worker".parse()?, subject.parse()?);
    let group = Address::Subject { service, subject, targets: Targets::Group };
    let group = Destination::new(group);
    while broker.publish_now(&group, vec![0; 2].into(), None).is_some() {}
    Ok(())
}
