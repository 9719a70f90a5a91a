//! What is lost on the way shows at the bindings that every message is for.

use std::time::Duration;

use conduit::{Binding, Conduit, Error, transport::Address};
use conduit_json::Json;
use conduit_memory::{FaultPlan, Faults, Memory};
use conduit_sim::Sim;
use futures_lite::future;

/// The type of an offer.
const OFFER: u8 = 2;

fn conduit(sim: &Sim, broker: &Memory, name: &str) -> Result<Conduit<Json>, Error> {
    let builder = Conduit::builder(name).runtime(sim.process()).ids(sim.ids());
    builder.transport(broker.clone()).encoder(Json).max_waiting_messages(1000).build()
}

/// Loses the packets to subjects that a function picks.
fn lose(sim: &Sim, which: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> FaultPlan {
    let picked =
        move |to: &Address, packet: &[u8]| matches!(to, Address::Subject { .. }) && which(packet);
    FaultPlan::new(sim.clone(), 1).on(picked, Faults::new().drop(1.0))
}

/// Reads up to a message of one byte.
async fn read_up_to(binding: &mut Binding<Json>, last: u8) -> Result<usize, Error> {
    for read in 1.. {
        let message = binding.next().await.expect("it is bound");
        if message.to_bytes().await?[..] == [last] {
            return Ok(read);
        }
    }
    unreachable!("it returns before")
}

#[test]
fn a_binding_has_missed_as_many_as_were_lost() -> Result<(), Error> {
    const LOST: [u8; 5] = [3, 4, 50, 97, 98];
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let sender = conduit(&sim, &broker, "sender")?;
        let receiver = conduit(&sim, &broker, "receiver")?;
        let mut bindings = [receiver.bind("news").await?, receiver.bind("news").await?];
        let mut group = receiver.queue_bind("news").await?;
        broker.inject_faults(lose(&sim, |packet| packet.last().is_some_and(|n| LOST.contains(n))));
        let to = sender.service("receiver");
        for number in 0..100 {
            to.send_body("news", [number]).await?;
        }
        for binding in &mut bindings {
            assert_eq!(read_up_to(binding, 99).await?, 100 - LOST.len());
            assert_eq!((binding.missed(), binding.lost()), (5, 0));
        }
        assert_eq!(receiver.stats().missed_messages, 10);
        // One who comes late has missed nothing, and a group shares what there is.
        let mut late = receiver.bind("news").await?;
        to.send_body("news", [100]).await?;
        read_up_to(&mut late, 100).await?;
        read_up_to(&mut group, 100).await?;
        assert_eq!((late.missed(), group.missed()), (0, 0));
        Ok(())
    })
}

#[test]
fn what_a_full_binding_drops_is_lost_and_not_missed() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let sender = conduit(&sim, &broker, "sender")?;
        let receiver = conduit(&sim, &broker, "receiver")?;
        let mut binding = receiver.bind("news").await?;
        let to = sender.service("receiver");
        for _ in 0..1100 {
            to.send_body("news", [1]).await?;
        }
        sim.sleep(Duration::from_secs(1)).await;
        while binding.waiting() > 0 {
            binding.next().await;
        }
        to.send_body("news", [2]).await?;
        read_up_to(&mut binding, 2).await?;
        assert_eq!((binding.lost(), binding.missed()), (100, 0));
        Ok(())
    })
}

#[test]
fn an_offer_that_was_lost_is_missed_when_the_next_message_comes() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let sender = conduit(&sim, &broker, "sender")?;
        let receiver = conduit(&sim, &broker, "receiver")?;
        let mut binding = receiver.bind("news").await?;
        let to = sender.service("receiver");
        to.send_body("news", [1]).await?;
        broker.inject_faults(lose(&sim, |packet| packet.get(1) == Some(&OFFER)));
        to.send_body("news", vec![7; 100_000]).await.map(drop).expect_err("nobody has heard of it");
        broker.end_faults();
        // Streamed messages have numbers too.
        let sending = async {
            to.send_body("news", vec![8; 100_000]).expect(1).await?;
            to.send_body("news", [2]).await
        };
        let (sent, read) = future::zip(sending, read_up_to(&mut binding, 2)).await;
        sent?;
        assert_eq!((read?, binding.missed()), (3, 1));
        Ok(())
    })
}

/// A refused request goes to the group again, and to the group only.
#[test]
fn what_is_offered_to_the_group_again_is_no_gap() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let asker = conduit(&sim, &broker, "asker")?;
        let builder = Conduit::builder("worker").runtime(sim.process()).ids(sim.ids());
        let builder = builder.transport(broker.clone()).encoder(Json);
        let worker = builder.max_waiting_messages(1).build()?;
        let watcher = conduit(&sim, &broker, "worker")?;
        let mut watching = watcher.bind("job").await?;
        let mut jobs = worker.queue_bind("job").await?;
        let to = asker.service("worker");
        let asking = async {
            let ask = |number: u8| {
                let to = to.clone();
                async move { to.request_body("job", [number]).await?.to_bytes().await }
            };
            // The second finds the queue full, until somebody takes the first.
            future::zip(ask(1), ask(2)).await
        };
        let working = async {
            sim.sleep(Duration::from_millis(100)).await;
            for _ in 0..2 {
                let message = jobs.next().await.expect("it is bound");
                message.reply_body(message.to_bytes().await?).await?;
            }
            Ok::<_, Error>(())
        };
        let ((one, two), worked) = future::zip(asking, working).await;
        worked?;
        assert_eq!((&one?[..], &two?[..]), (&[1][..], &[2][..]));
        to.send_body("job", [3]).await?;
        assert_eq!(read_up_to(&mut watching, 3).await?, 3);
        assert_eq!(watching.missed(), 0);
        Ok(())
    })
}

#[test]
fn a_sender_that_starts_again_leaves_no_gap() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let receiver = conduit(&sim, &broker, "receiver")?;
        let mut binding = receiver.bind("news").await?;
        for life in 0..3 {
            let sender = conduit(&sim, &broker, "sender")?;
            let to = sender.service("receiver");
            for _ in 0..=life {
                to.send_body("news", [0]).await?;
            }
            to.send_body("news", [1]).await?;
            read_up_to(&mut binding, 1).await?;
            sender.close().await;
        }
        assert_eq!(binding.missed(), 0);
        Ok(())
    })
}
