//! What has to happen at which time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use conduit::{Body, Error, ErrorKind, InstanceId, Message, transport::Address};
use conduit_json::Json;
use conduit_memory::{Delay, FaultPlan, Faults};
use conduit_sim::Sim;
use futures_lite::{StreamExt, future, stream};

use crate::{
    net::{Net, Result},
    profiles::frame::ACCEPT,
};

/// The type of a chunk.
const DATA: u8 = 5;

async fn a_byte_a_second(sim: Sim, mut message: Message<Json>) -> Result<usize, Error> {
    use futures_lite::AsyncReadExt as _;

    let mut byte = [0];
    let mut count = 0;
    while message.read(&mut byte).await.map_err(|error| error.downcast::<Error>().expect("ours"))?
        == 1
    {
        count += 1;
        sim.sleep(Duration::from_secs(1)).await;
    }
    Ok(count)
}

#[test]
fn a_reader_may_take_an_hour_if_nobody_waits_for_it() -> Result {
    Net::run(1, |net| async move {
        let (sender, receiver) = (net.small("sender")?, net.small("receiver")?);
        let mut songs = receiver.queue_bind("song").await?;
        let song = sender.service("receiver").send_body("song", vec![7; 3_600]);
        let reading = async {
            let message = songs.next().await.expect("it is bound");
            a_byte_a_second(net.sim.clone(), message).await
        };
        let (sent, read) = future::zip(song, reading).await;
        assert_eq!((sent?.completed(), read?), (&[receiver.instance()][..], 3_600));
        assert!(net.sim.elapsed() >= Duration::from_secs(3_600));
        net.is_released(&[&sender, &receiver]).await;
        Ok(())
    })
}

#[test]
fn a_reader_that_others_wait_for_is_lagged_after_the_limit() -> Result {
    Net::run(1, |net| async move {
        let (sender, slow) = (net.small("sender")?, net.small("receiver")?);
        let quick = [net.small("receiver")?, net.small("receiver")?];
        let mut slow_songs = slow.bind("song").await?;
        for conduit in &quick {
            conduit
                .bind("song")
                .await?
                .to(|message| async move { message.to_bytes().await.map(drop) });
        }
        let song = sender.service("receiver").send_body("song", vec![7; 3_600]);
        let sending = async {
            let sent = song.await;
            // Nobody lags before the join window has ended and the window is full.
            let elapsed = net.sim.elapsed();
            let expected = Duration::from_secs(10)..Duration::from_secs(11);
            assert!(expected.contains(&elapsed), "{elapsed:?}");
            sent
        };
        let reading = async {
            let message = slow_songs.next().await.expect("it is bound");
            a_byte_a_second(net.sim.clone(), message).await
        };
        let (sent, read) = future::zip(sending, reading).await;
        let sent = sent?;
        assert_eq!(sent.completed().len(), 2);
        let [failed] = sent.failed() else { panic!("{sent:?}") };
        assert_eq!(
            (failed.instance, failed.error.kind()),
            (Some(slow.instance()), ErrorKind::Lagged)
        );
        assert_eq!(read.expect_err("it lags").kind(), ErrorKind::Lagged);
        Ok(())
    })
}

#[test]
fn a_frozen_receiver_is_given_up_within_the_idle_limit() -> Result {
    Net::run(1, |net| async move {
        let sender = net.conduit("sender")?;
        let process = net.sim.process();
        let receiver = net.builder("receiver", &process).build()?;
        let handler = receiver.queue_bind("song").await?;
        let frozen = process.clone();
        handler.to(move |message| {
            frozen.freeze();
            async move { message.to_bytes().await.map(drop) }
        });
        let started = net.sim.elapsed();
        let error = sender.service("receiver").send_body("song", vec![7; 1_000_000]).await;
        assert_eq!(error.expect_err("it stands still").kind(), ErrorKind::Lost);
        assert!(net.sim.elapsed() - started <= Duration::from_secs(11));
        process.thaw();
        net.is_released(&[&sender, &receiver]).await;
        Ok(())
    })
}

#[test]
fn a_frozen_sender_is_given_up_within_the_idle_limit() -> Result {
    Net::run(1, |net| async move {
        let process = net.sim.process();
        let sender = net.builder("sender", &process).build()?;
        let receiver = net.conduit("receiver")?;
        let mut songs = receiver.queue_bind("song").await?;
        let first = stream::once(Ok(vec![7; 100_000].into()));
        let song = Body::stream(first.chain(stream::pending()));
        let song = sender.service("receiver").send_body("song", song);
        let sending = process.run(song);
        let message = songs.next().await.expect("it is bound");
        net.sim.sleep(Duration::from_secs(60)).await;
        process.freeze();
        let started = net.sim.elapsed();
        let error = message.to_bytes().await.expect_err("it stands still");
        assert_eq!(error.kind(), ErrorKind::Lost);
        assert!(net.sim.elapsed() - started <= Duration::from_secs(10));
        process.thaw();
        let result = sending.await.expect("it was not killed");
        assert_eq!(result.expect_err("the receiver is gone").kind(), ErrorKind::Lost);
        net.is_released(&[&sender, &receiver]).await;
        Ok(())
    })
}

/// Sends a body to two instances, where the accept of one takes a while.
async fn join_after(net: &Net, time: Duration) -> Result<(conduit::Delivery, InstanceId, u32)> {
    let (sender, prompt) = (net.conduit("sender")?, net.conduit("receiver")?);
    let slow = net.conduit("receiver")?;
    let started = Arc::<AtomicU32>::default();
    prompt.bind("song").await?.to(|message| async move { message.to_bytes().await.map(drop) });
    let counter = Arc::clone(&started);
    slow.bind("song").await?.to(move |message| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_eq!(message.to_bytes().await?.len(), 1_000_000);
            Ok::<_, Error>(())
        }
    });
    let id = slow.instance().to_bytes();
    let is_its_accept = move |_: &_, packet: &[u8]| {
        packet.get(1) == Some(&ACCEPT) && packet.windows(id.len()).any(|bytes| bytes == id)
    };
    let late = Faults::new().delay(Delay::Fixed(time));
    net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on(is_its_accept, late));
    // It is not over when the late one answers.
    let clock = net.sim.clone();
    let rest = stream::once(vec![7; 500_000]).then(move |half| {
        let clock = clock.clone();
        async move {
            clock.sleep(Duration::from_secs(1)).await;
            Ok(half.into())
        }
    });
    let song = stream::once(Ok(vec![7; 500_000].into())).chain(rest);
    let song = Body::stream(Box::pin(song));
    let sent = sender.service("receiver").send_body("song", song).await?;
    net.sim.sleep(Duration::from_secs(30)).await;
    Ok((sent, slow.instance(), started.load(Ordering::SeqCst)))
}

#[test]
fn a_receiver_that_accepts_after_249_ms_gets_everything() -> Result {
    Net::run(1, |net| async move {
        let (sent, _, started) = join_after(&net, Duration::from_millis(249)).await?;
        assert_eq!((sent.completed().len(), sent.failed().len(), started), (2, 0, 1));
        Ok(())
    })
}

#[test]
fn a_receiver_that_accepts_after_251_ms_is_late_and_does_not_run() -> Result {
    Net::run(1, |net| async move {
        let (sent, slow, started) = join_after(&net, Duration::from_millis(251)).await?;
        let [failed] = sent.failed() else { panic!("{sent:?}") };
        assert_eq!((failed.instance, failed.error.kind()), (Some(slow), ErrorKind::Late));
        assert_eq!((sent.completed().len(), started), (1, 0));
        Ok(())
    })
}

#[test]
fn a_hundred_instances_work_for_an_hour() -> Result {
    Net::run(1, |net| async move {
        let mut conduits = Vec::new();
        for _ in 0..100 {
            let conduit = net.conduit("worker")?;
            conduit
                .queue_bind("echo")
                .await?
                .to(|message| async move { message.reply_body(message.to_bytes().await?).await });
            conduits.push((conduit, net.sim.process()));
        }
        let working = conduits.iter().map(|(conduit, process)| {
            let (sim, echo) = (net.sim.clone(), conduit.own_service());
            process.run(async move {
                for minute in 0..60_u8 {
                    sim.sleep(Duration::from_secs(60)).await;
                    let size = if minute == 30 { 100_000 } else { 10 };
                    let reply = echo.request_body("echo", vec![minute; size]).await?;
                    assert_eq!(reply.to_bytes().await?, vec![minute; size]);
                }
                Ok::<_, Error>(())
            })
        });
        for worker in working.collect::<Vec<_>>() {
            worker.await.expect("it was not killed")?;
        }
        assert!(net.sim.elapsed() >= Duration::from_secs(3_600));
        let all: Vec<_> = conduits.iter().map(|(conduit, _)| conduit).collect();
        net.is_released(&all).await;
        Ok(())
    })
}

/// Once it waited for the next sign of life, since nobody told the reader of its source.
#[test]
fn a_broadcast_of_many_windows_takes_no_longer_than_the_join_window() -> Result {
    Net::run(1, |net| async move {
        let sender = net.conduit("sender")?;
        let receivers = [net.conduit("receiver")?, net.conduit("receiver")?];
        for receiver in &receivers {
            let song = receiver.bind("song").await?;
            song.to(|message| async move { message.to_bytes().await.map(drop) });
        }
        let song = sender.service("receiver").send_body("song", vec![7; 1_000_000]);
        assert_eq!(song.await?.completed().len(), 2);
        assert_eq!(net.sim.elapsed(), Duration::from_millis(250));
        Ok(())
    })
}

/// What some of them miss of what goes out to all at once, they get through their inboxes.
#[test]
fn a_broadcast_is_whole_though_chunks_of_it_are_lost() -> Result {
    for seed in 0..20 {
        Net::run(seed, |net| async move {
            let sender = net.conduit("sender")?;
            let receivers =
                [net.conduit("receiver")?, net.conduit("receiver")?, net.conduit("receiver")?];
            for receiver in &receivers {
                let song = receiver.bind("song").await?;
                song.to(|message| async move { message.to_bytes().await.map(drop) });
            }
            let goes_to_all = |to: &Address, packet: &[u8]| {
                matches!(to, Address::Subject { .. }) && packet.get(1) == Some(&DATA)
            };
            let plan = FaultPlan::new(net.sim.clone(), seed);
            net.broker.inject_faults(plan.on(goes_to_all, Faults::new().drop(0.2)));
            let song = sender.service("receiver").send_body("song", vec![7; 2_000_000]).expect(3);
            assert_eq!(song.await?.completed().len(), 3);
            assert!(net.broker.fault_counts().dropped > 0, "none was lost");
            let [one, two, three] = &receivers;
            net.is_released(&[&sender, one, two, three]).await;
            Ok(())
        })?;
    }
    Ok(())
}
