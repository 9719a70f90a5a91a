//! What the simulation has found, each as small as it gets.

use std::time::Duration;

use conduit::{
    Body, Conduit, Error, ErrorKind, Executed,
    transport::{Address, Targets},
};
use conduit_json::Json;
use conduit_memory::{Delay, FaultPlan, Faults, Memory};
use conduit_sim::Sim;
use futures_lite::StreamExt;

use crate::profiles::frame::{ACCEPT, OFFER};

fn conduit(sim: &Sim, broker: &Memory, name: &str) -> Result<Conduit<Json>, Error> {
    let builder = Conduit::builder(name).runtime(sim.process()).ids(sim.ids());
    builder.transport(broker.clone()).encoder(Json).build()
}

/// Delays or loses frames of a type that go to inboxes.
fn on_frames(sim: &Sim, frame: u8, faults: Faults) -> FaultPlan {
    let is_one = move |to: &Address, packet: &[u8]| {
        matches!(to, Address::Inbox { .. }) && packet.get(1) == Some(&frame)
    };
    FaultPlan::new(sim.clone(), 1).on(is_one, faults)
}

/// Where an accept is slow, the offer goes to a second member, which is declined. Its refusal once
/// answered the request that the first was handling.
#[test]
fn a_declined_member_does_not_answer_a_request() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let workers = [conduit(&sim, &broker, "worker")?, conduit(&sim, &broker, "worker")?];
        for worker in &workers {
            let clock = sim.clone();
            worker.queue_bind("echo").await?.to(move |message| {
                let clock = clock.clone();
                async move {
                    clock.sleep(Duration::from_secs(5)).await;
                    message.reply_body(message.to_bytes().await?).await
                }
            });
        }
        let asker = conduit(&sim, &broker, "asker")?;
        let slow = Faults::new().delay(Delay::Fixed(Duration::from_millis(1_500)));
        broker.inject_faults(on_frames(&sim, ACCEPT, slow));
        let body = vec![7; 100_000];
        let reply = asker.service("worker").request_body("echo", body.clone()).await?;
        assert_eq!(reply.to_bytes().await?, body);
        Ok(())
    })
}

/// The deadline of a request may pass while its reply is read: its handler has run by then.
#[test]
fn a_deadline_in_a_reply_does_not_say_that_nothing_ran() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let worker = conduit(&sim, &broker, "worker")?;
        worker.queue_bind("stall").await?.to(|message| async move {
            let first = futures_lite::stream::once(Ok(vec![7; 100_000].into()));
            let stalled = futures_lite::stream::pending();
            message.reply_body(Body::stream(first.chain(stalled))).await
        });
        let asker = conduit(&sim, &broker, "asker")?;
        let reply = asker.service("worker").request("stall", &()).await?;
        let error = reply.to_bytes().await.expect_err("it stalls");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::Yes));
        Ok(())
    })
}

/// Of two receivers one dies with the body half read, and one refuses it: something has run.
#[test]
fn a_refusal_does_not_hide_that_another_receiver_ran() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let running = conduit(&sim, &broker, "listener")?;
        let dying = sim.process();
        let builder = Conduit::builder("listener").runtime(dying.clone()).ids(sim.ids());
        let dead = builder.transport(broker.clone()).encoder(Json).build()?;
        dead.bind("news").await?.to(|message| async move {
            std::future::pending::<()>().await;
            drop(message);
        });
        let full = running.queue_bind("news").await?;
        let sender = conduit(&sim, &broker, "sender")?;
        // It is confirmed and keeps the only place.
        let listener = sender.service("listener");
        let crowd: Vec<_> = (0..1024).map(|_| listener.send("news", &())).collect();
        for message in crowd {
            message.await?;
        }
        let body = vec![7; 1_000_000];
        let killer = async {
            sim.sleep(Duration::from_secs(1)).await;
            dying.kill();
        };
        let send = async { listener.send_body("news", body).expect(1).await };
        let (sent, ()) = futures_lite::future::zip(send, killer).await;
        let error = sent.expect_err("nobody has it");
        assert_ne!(error.executed(), Executed::No, "{error:?}");
        drop(full);
        Ok(())
    })
}

/// Of two plain bindings one is full, and one takes the request and handles it later.
#[test]
fn a_refusal_of_one_binding_does_not_speak_for_another() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let worker = conduit(&sim, &broker, "worker")?;
        let builder = Conduit::builder("worker").runtime(sim.process()).ids(sim.ids());
        let builder = builder.transport(broker.clone()).encoder(Json);
        let small = builder.max_waiting_messages(1).build()?;
        let mut roomy = worker.bind("both").await?;
        let full = small.bind("both").await?;
        let both = conduit(&sim, &broker, "asker")?.service("worker");
        both.send("both", &()).await?;
        let error = both.request("both", &()).await.expect_err("one refuses");
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        roomy.next().await.expect("it is bound");
        assert!(roomy.next().await.expect("it is bound").is_request());
        assert_eq!(error.executed(), Executed::Maybe);
        drop(full);
        Ok(())
    })
}

/// A body is offered to the plain bindings, and then the connection is gone.
#[test]
fn a_broken_connection_does_not_say_that_nothing_ran() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let at_sender = broker.clone();
        let link = at_sender.link();
        let listener = conduit(&sim, &broker, "listener")?;
        let mut news = listener.bind("news").await?;
        let builder = Conduit::builder("sender").runtime(sim.process()).ids(sim.ids());
        let sender = builder.transport(at_sender).encoder(Json).build()?;
        // The group's offer is slow to be refused, so that it is offered again.
        let is_group_offer = |to: &Address, packet: &[u8]| {
            let group = matches!(to, Address::Subject { targets: Targets::Group, .. });
            group && packet.get(1) == Some(&OFFER)
        };
        let lost = Faults::new().drop(1.0);
        broker.inject_faults(FaultPlan::new(sim.clone(), 1).on(is_group_offer, lost));
        let send = sender.service("listener").send_body("news", vec![7; 1_000_000]);
        let breaking = async {
            let message = news.next().await.expect("it is bound");
            link.disconnect();
            message
        };
        let (sent, _message) = futures_lite::future::zip(send, breaking).await;
        let error = sent.expect_err("there is no connection");
        assert_ne!(error.executed(), Executed::No, "{error:?}");
        Ok(())
    })
}

/// A reply that never ends, of which there is always more to read.
#[test]
fn a_deadline_ends_a_reply_that_is_always_ready() -> Result<(), Error> {
    let sim = Sim::new(1);
    sim.block_on(async {
        let broker = Memory::new();
        let worker = conduit(&sim, &broker, "worker")?;
        worker.queue_bind("sing").await?.to(|message| async move {
            let forever = futures_lite::stream::repeat_with(|| Ok(vec![7; 10_000].into()));
            message.reply_body(Body::stream(forever)).await
        });
        let asker = conduit(&sim, &broker, "asker")?;
        let mut song = asker.service("worker").request("sing", &()).await?.take_body()?;
        let reading = async {
            loop {
                sim.sleep(Duration::from_secs(1)).await;
                if let Err(error) = song.next().await.expect("it never ends") {
                    return error;
                }
            }
        };
        let error = sim.within(Duration::from_secs(60), reading).await;
        assert_eq!(error.expect("it ends").kind(), ErrorKind::Deadline);
        assert_eq!(sim.elapsed(), Duration::from_secs(30));
        Ok(())
    })
}
