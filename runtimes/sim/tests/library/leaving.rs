//! One side of a body leaves, and how soon the other notices.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use conduit::{
    Binding, Body, Conduit, Delivery, Error, ErrorKind, Executed, IncomingBody, Message,
};
use conduit_json::Json;
use conduit_memory::{FaultPlan, Faults};
use conduit_sim::Process;
use futures_lite::{StreamExt, future, stream};

use crate::net::{Net, Result};

/// Less than a window: nobody waits for another's reader.
const HALF: usize = 100_000;
const RESET: u8 = 9;
const STOP: u8 = 10;

/// Half of it, and then nothing for a long time.
fn half() -> Body {
    Body::stream(stream::once(Ok(vec![7; HALF].into())).chain(stream::pending()))
}

/// Reads what there is of half a body.
async fn read_half(message: &Message<Json>) -> Result<IncomingBody, Error> {
    let mut body = message.take_body()?;
    let mut count = 0;
    while count < HALF {
        count += body.next().await.expect("it has not ended")?.len();
    }
    Ok(body)
}

/// Why there is nothing more of a body.
async fn failure(mut body: IncomingBody) -> Error {
    body.next().await.expect("it has not ended").expect_err("nothing more comes")
}

async fn receivers(net: &Net) -> Result<Vec<(Conduit<Json>, Binding<Json>)>> {
    let mut receivers = Vec::new();
    for _ in 0..3 {
        let receiver = net.conduit("receiver")?;
        let songs = receiver.bind("song").await?;
        receivers.push((receiver, songs));
    }
    Ok(receivers)
}

fn loses_the_first(net: &Net, frame: u8) {
    let first = AtomicBool::new(true);
    let is_first = move |_: &_, packet: &[u8]| {
        packet.get(1) == Some(&frame) && first.swap(false, Ordering::SeqCst)
    };
    let plan = FaultPlan::new(net.sim.clone(), 1).on(is_first, Faults::new().drop(1.0));
    net.broker.inject_faults(plan);
}

#[test]
fn every_receiver_notices_at_once_that_a_sending_was_dropped() -> Result {
    Net::run(1, |net| async move {
        let sender = net.conduit("sender")?;
        let mut receivers = receivers(&net).await?;
        let sending = sender.service("receiver").send_body("song", half()).expect(3);
        let mut sending = sending;
        let mut bodies = Vec::new();
        let reading = async {
            for (_, songs) in &mut receivers {
                bodies.push(read_half(&songs.next().await.expect("it is bound")).await?);
            }
            Ok::<_, Error>(())
        };
        let gave_up = future::or(async { Err((&mut sending).await) }, async { Ok(reading.await) });
        gave_up.await.expect("it goes on for ever")?;
        let dropped = net.sim.elapsed();
        drop(sending);
        for body in bodies {
            assert_eq!(failure(body).await.kind(), ErrorKind::Cancelled);
        }
        assert_eq!(net.sim.elapsed(), dropped);
        let all: Vec<_> = receivers.iter().map(|(receiver, _)| receiver).chain([&sender]).collect();
        net.is_released(&all).await;
        Ok(())
    })
}

#[test]
fn an_asker_notices_at_once_that_a_replying_was_dropped() -> Result {
    Net::run(1, |net| async move {
        let (asker, worker) = (net.conduit("asker")?, net.conduit("worker")?);
        let mut requests = worker.queue_bind("sing").await?;
        let replying = async {
            let request = requests.next().await.expect("it is bound");
            request.reply_body(half()).await
        };
        let reading = async {
            let reply = asker.service("worker").request("sing", &()).no_timeout().await?;
            read_half(&reply).await
        };
        let replying = async { Err(replying.await) };
        let body = future::or(replying, async { Ok(reading.await) }).await;
        let body = body.expect("it goes on for ever")?;
        let dropped = net.sim.elapsed();
        let error = failure(body).await;
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Cancelled, Executed::Yes));
        assert_eq!(net.sim.elapsed(), dropped);
        net.is_released(&[&asker, &worker]).await;
        Ok(())
    })
}

/// A reset that is lost is said again when the receiver shows that it is alive.
#[test]
fn a_lost_reset_is_said_again() -> Result {
    Net::run(1, |net| async move {
        let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
        let mut songs = receiver.queue_bind("song").await?;
        let sending = sender.service("receiver").send_body("song", half());
        let reading = async { read_half(&songs.next().await.expect("it is bound")).await };
        let sending = async { Err(sending.await) };
        loses_the_first(&net, RESET);
        let body = future::or(sending, async { Ok(reading.await) }).await;
        let body = body.expect("it goes on for ever")?;
        let dropped = net.sim.elapsed();
        assert_eq!(failure(body).await.kind(), ErrorKind::Lost);
        assert!(net.sim.elapsed() - dropped < Duration::from_secs(2));
        assert_eq!(net.broker.fault_counts().dropped, 1);
        Ok(())
    })
}

#[test]
fn a_sender_notices_at_once_that_a_reader_stopped() -> Result {
    Net::run(1, |net| async move {
        let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
        let mut songs = receiver.queue_bind("song").await?;
        let sending = sender.service("receiver").send_body("song", half());
        let reading = async {
            drop(read_half(&songs.next().await.expect("it is bound")).await?);
            Ok::<_, Error>(net.sim.elapsed())
        };
        let (sent, stopped) = future::zip(sending, reading).await;
        assert_eq!(sent.expect_err("it was dropped").kind(), ErrorKind::Dropped);
        assert_eq!(net.sim.elapsed(), stopped?);
        net.is_released(&[&sender, &receiver]).await;
        Ok(())
    })
}

/// A stop that is lost is said again when the sender shows that it is alive.
#[test]
fn a_lost_stop_is_said_again() -> Result {
    Net::run(1, |net| async move {
        let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
        let mut songs = receiver.queue_bind("song").await?;
        let sending = sender.service("receiver").send_body("song", half());
        loses_the_first(&net, STOP);
        let reading = async {
            drop(read_half(&songs.next().await.expect("it is bound")).await?);
            Ok::<_, Error>(net.sim.elapsed())
        };
        let (sent, stopped) = future::zip(sending, reading).await;
        assert_eq!(sent.expect_err("it was dropped").kind(), ErrorKind::Dropped);
        assert!(net.sim.elapsed() - stopped? < Duration::from_secs(3));
        assert_eq!(net.broker.fault_counts().dropped, 1);
        Ok(())
    })
}

/// Sends half a body from a process of its own, to which nothing happens by itself.
fn sends(net: &Net, to: usize) -> Result<(Process, impl Future<Output = Option<Delivered>>)> {
    let process = net.sim.process();
    let sender = net.builder("sender", &process).build()?;
    let sending = sender.service("receiver").send_body("song", half()).expect(to);
    let sent = process.run(sending);
    Ok((process, sent))
}

type Delivered = Result<Delivery, Error>;

#[test]
fn every_receiver_notices_within_the_idle_limit_that_the_senders_process_was_killed() -> Result {
    Net::run(1, |net| async move {
        let mut receivers = receivers(&net).await?;
        let (process, sent) = sends(&net, 3)?;
        let mut bodies = Vec::new();
        for (_, songs) in &mut receivers {
            bodies.push(read_half(&songs.next().await.expect("it is bound")).await?);
        }
        let killed = net.sim.elapsed();
        process.kill();
        for body in bodies {
            let error = failure(body).await;
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        }
        assert!(net.sim.elapsed() - killed <= Duration::from_secs(10));
        assert!(sent.await.is_none());
        let all: Vec<_> = receivers.iter().map(|(receiver, _)| receiver).collect();
        net.is_released(&all).await;
        Ok(())
    })
}

#[test]
fn a_sender_notices_within_the_idle_limit_that_a_receivers_process_was_killed() -> Result {
    Net::run(1, |net| async move {
        let sender = net.conduit("sender")?;
        let process = net.sim.process();
        let receiver = net.builder("receiver", &process).build()?;
        let mut songs = receiver.bind("song").await?;
        let mut others = receivers(&net).await?;
        let (other, mut other_songs) = others.remove(0);
        drop(others);
        // The others get everything, since the producer goes on when one of them has its half.
        let (go_on, gate) = async_channel::bounded::<()>(1);
        let wait = stream::once_future(async move {
            gate.recv().await.ok();
            Ok(vec![7; HALF].into())
        });
        let song = Body::stream(Box::pin(stream::once(Ok(vec![7; HALF].into())).chain(wait)));
        let sending = sender.service("receiver").send_body("song", song).expect(2);
        let killing = async {
            let message = songs.next().await.expect("it is bound");
            let body = read_half(&message).await?;
            process.kill();
            drop(go_on);
            Ok::<_, Error>((body, message, net.sim.elapsed()))
        };
        let reading = async {
            let message = other_songs.next().await.expect("it is bound");
            let mut body = message.take_body()?;
            let mut count = 0;
            while let Some(bytes) = body.next().await {
                count += bytes?.len();
            }
            Ok::<_, Error>(count)
        };
        let readers = future::zip(killing, reading);
        let (sent, (killed, count)) = future::zip(sending, readers).await;
        let (sent, (_body, _message, killed)) = (sent?, killed?);
        assert_eq!((sent.completed(), count?), (&[other.instance()][..], 2 * HALF));
        let [failed] = sent.failed() else { panic!("{sent:?}") };
        let error = &failed.error;
        assert_eq!(failed.instance, Some(receiver.instance()));
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        assert!(net.sim.elapsed() - killed <= Duration::from_secs(10));
        net.is_released(&[&sender, &other]).await;
        Ok(())
    })
}
