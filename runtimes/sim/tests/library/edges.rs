//! The bounds of what waits, at any pace of those who read and whatever peers leave unfinished.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Conduit, ErrorKind, Executed, transport::Address};
use conduit_json::Json;
use conduit_memory::{FaultPlan, Faults};
use futures_lite::StreamExt;

use crate::{
    net::{Net, Result},
    stranger::Stranger,
};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A reader that comes back every millisecond, and takes fewer than come: what lies in its
/// subscription is what 20 ms bring, and a millisecond's more.
#[test]
fn a_reader_that_naps_leaves_little_unread() -> Result {
    const A_MILLISECOND_BRINGS: usize = 40;
    const MOST: usize = 21 * A_MILLISECOND_BRINGS;
    Net::run(1, |net| async move {
        let mut news = net.conduit("reader")?.bind("news").await?;
        let reading = net.sim.process().run({
            let sim = net.sim.clone();
            async move {
                let mut taken = 0;
                while let Some(message) = news.next().await {
                    taken += 1;
                    if message.decode::<bool>().await.expect("a bool") {
                        return taken + news.lost();
                    }
                    sim.sleep(MILLISECOND).await;
                }
                taken
            }
        });
        let sender = net.conduit("sender")?.service("reader");
        for _ in 0..200 {
            for _ in 0..A_MILLISECOND_BRINGS {
                sender.send("news", &false).await?;
            }
            net.sim.sleep(MILLISECOND).await;
            let unread = net.broker.queued();
            assert!(unread <= MOST, "{unread} lie unread");
        }
        // There is room for the last one.
        net.sim.sleep(Duration::from_secs(10)).await;
        sender.send("news", &true).await?;
        let counted = reading.await.expect("it lives");
        assert_eq!(counted, 200 * A_MILLISECOND_BRINGS as u64 + 1, "each is taken or lost");
        Ok(())
    })
}

/// Messages and requests that nobody takes: what exceeds the limits of bindings and of the conduit
/// is counted or refused.
#[test]
fn what_waits_is_bounded_in_bytes() -> Result {
    const LENGTH: usize = 10_000;
    const OF_A_BINDING: u64 = 100_000;
    const AT_ALL: u64 = 150_000;
    // So much of each binding is not charged to the conduit.
    const UNCHARGED: u64 = 16 << 10;
    Net::run(1, |net| async move {
        let holder = net.builder("holder", &net.sim.process());
        let holder = holder.max_waiting_bytes_per_binding(OF_A_BINDING);
        let holder = holder.max_waiting_bytes(AT_ALL).build()?;
        let (one, two) = (holder.bind("one").await?, holder.queue_bind("two").await?);
        let sender = net.conduit("sender")?.service("holder");
        for (subject, most) in [("one", OF_A_BINDING), ("two", AT_ALL + 2 * UNCHARGED)] {
            for _ in 0..20 {
                sender.send_body(subject, vec![7; LENGTH]).await?;
            }
            net.sim.sleep(MILLISECOND).await;
            let bytes = holder.stats().waiting_bytes;
            assert!(bytes <= most, "{bytes} bytes wait, and {most} may");
        }
        assert_eq!([one.waiting() as u64 + one.lost(), two.waiting() as u64 + two.lost()], [20; 2]);
        assert_eq!(holder.stats().lost_messages, one.lost() + two.lost());
        // Until a group has refused, plain bindings are asked in the same packet, and may have it.
        for executed in [Executed::Maybe, Executed::No] {
            let asked = sender.request_body("two", vec![7; LENGTH]).timeout(Duration::from_secs(1));
            let error = asked.await.expect_err("there is no room");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, executed));
        }
        drop((one, two));
        assert_eq!(holder.stats().waiting_bytes, 0);
        Ok(())
    })
}

/// Somebody offers a body and never confirms it, with signs of life or without: others are handled
/// at once, and its place is free after the answer time.
#[test]
fn a_silent_sender_holds_up_no_other() -> Result {
    const ANSWER: Duration = Duration::from_secs(10);
    for pings in [false, true] {
        Net::run(1, |net| async move {
            let listener = net.conduit("listener")?;
            let (mut plain, mut group) =
                (listener.bind("x").await?, listener.queue_bind("x").await?);
            let stranger = Stranger::new(&net.broker, 1);
            let (sim, to) = (net.sim.clone(), listener.clone());
            let _offering = net.sim.process().run(async move {
                stranger.offer(&sim, &to, "x", pings).await;
            });
            net.sim.sleep(MILLISECOND).await;
            let sender = net.conduit("sender")?.service("listener");
            for number in 0..10 {
                let before = net.sim.elapsed();
                sender.send("x", &number).await?;
                for binding in [&mut plain, &mut group] {
                    let next = async { binding.next().await };
                    let message = net.sim.within(ANSWER * 2, next).await.flatten();
                    assert_eq!(message.expect("it comes").decode::<u32>().await?, number);
                    assert_eq!(net.sim.elapsed(), before, "it was held up");
                }
            }
            net.sim.sleep(ANSWER + MILLISECOND).await;
            // Nobody reads.
            assert_eq!((plain.waiting(), group.waiting()), (0, 0), "it is given up");
            assert_eq!(held(&listener), (0, 0));
            Ok(())
        })?;
    }
    Ok(())
}

/// One takes whatever it gets, and sends nothing of it: others find room all the same.
#[test]
fn one_peer_does_not_take_it_all() -> Result {
    const OFFERS: u16 = 600;
    Net::run(1, |net| async move {
        let listener = net.conduit("listener")?;
        let (group, plain) = (listener.queue_bind("x").await?, listener.bind("y").await?);
        for binding in [group, plain] {
            // Each of its bodies keeps a handler waiting.
            let handling = binding.concurrency(OFFERS.into());
            handling.to(|message| async move { message.to_bytes().await.map(drop) });
        }
        Stranger::new(&net.broker, 1).take(&net.sim, &listener, "x", OFFERS).await;
        let sender = net.conduit("sender")?.service("listener");
        for subject in ["x", "y"] {
            for _ in 0..20 {
                let sent = sender.send_body(subject, vec![7; 100_000]).await;
                assert!(sent.is_ok(), "it was kept out: {sent:?}");
            }
        }
        Ok(())
    })
}

/// A process that stands still is cut off from a broadcast: what comes after that does not pile up there.
#[test]
fn who_is_cut_off_gets_nothing_more() -> Result {
    const LENGTH: usize = 4_000_000;
    // So much is read first: more than a receiver gets before it has shown that it is there.
    const READ: usize = 200_000;
    // What one window brings, signs of life, and what is sent again.
    const MOST: usize = 100;
    Net::run(1, |net| async move {
        let quick = [net.conduit("listener")?, net.conduit("listener")?];
        for conduit in &quick {
            let news = conduit.bind("news").await?;
            news.to(|message| async move { message.to_bytes().await.map(drop) });
        }
        let process = net.sim.process();
        let frozen = net.builder("listener", &process).body_window(125_000).build()?;
        let mut news = frozen.bind("news").await?;
        let freezes = process.clone();
        let reading = process.run(async move {
            let mut body = news.next().await.expect("it is bound").take_body()?;
            let mut received = 0;
            while let Some(bytes) = body.next().await {
                received += bytes?.len();
                if received >= READ {
                    freezes.freeze();
                }
            }
            Ok::<_, conduit::Error>(received)
        });
        let sender = net.conduit("sender")?.service("listener");
        let sent = sender.send_body("news", vec![7; LENGTH]).expect(3).await?;
        let failed: Vec<_> = sent.failed().iter().map(|failed| failed.error.kind()).collect();
        assert_eq!((sent.completed().len(), &failed[..]), (2, &[ErrorKind::Lost][..]));
        let unread = net.broker.queued();
        assert!(unread <= MOST, "{unread} lie unread");
        process.thaw();
        let error = reading.await.expect("it lives").expect_err("it was cut off");
        assert_eq!(error.kind(), ErrorKind::Lost);
        Ok(())
    })
}

/// Messages and requests that stream wait in a member that drains: each is handled by another one.
#[test]
fn what_a_member_gives_back_goes_to_another() -> Result {
    const EACH: usize = 5;
    Net::run(1, |net| async move {
        let (leaves, sender) = (net.conduit("worker")?, net.conduit("sender")?);
        let unread = leaves.queue_bind("x").await?;
        let mut told = Vec::new();
        for number in 0..2 * EACH {
            let service = sender.service("worker");
            told.push(net.sim.process().run(async move {
                let body = vec![7; 100_000];
                if number % 2 == 0 {
                    service.send_body("x", body).await.map(drop)
                } else {
                    service.request_body("x", body).await.map(drop)
                }
            }));
        }
        net.sim.sleep(50 * MILLISECOND).await;
        assert_eq!(unread.waiting(), 2 * EACH);
        let stays = net.conduit("worker")?;
        stays.queue_bind("x").await?.to(|message| async move {
            message.to_bytes().await?;
            if message.is_request() { message.reply_body(()).await.map(drop) } else { Ok(()) }
        });
        let drained = leaves.drain(10 * MILLISECOND).await;
        assert_eq!((drained.finished, drained.handed_on, drained.aborted), (0, 2 * EACH, 0));
        for told in told {
            let told = told.await.expect("it lives");
            assert!(told.is_ok(), "it was lost: {told:?}");
        }
        Ok(())
    })
}

/// The two travel by different ways.
#[test]
fn a_request_that_comes_after_its_cancellation_is_not_handled() -> Result {
    const REQUEST: u8 = 1;
    Net::run(1, |net| async move {
        let (worker, asker) = (net.conduit("worker")?, net.conduit("asker")?);
        let runs = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&runs);
        worker.queue_bind("x").await?.to(move |message| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { message.reply(&1).await }
        });
        let service = asker.service("worker");
        service.request("x", &1).await?;
        let is_request = |_: &Address, packet: &[u8]| packet[1] == REQUEST;
        let late = Faults::new().reorder(1.0, 1000 * MILLISECOND);
        net.broker.inject_faults(FaultPlan::new(net.sim.clone(), 1).on(is_request, late));
        let asking = service.request("x", &2);
        assert!(net.sim.within(MILLISECOND, asking).await.is_none(), "it was answered");
        net.sim.sleep(2000 * MILLISECOND).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1, "a cancelled request was handled");
        Ok(())
    })
}

fn held(conduit: &Conduit<Json>) -> (usize, u64) {
    let stats = conduit.stats();
    (stats.incoming_bodies, stats.incoming_bytes)
}
