//! Leaving loses nothing that was routed here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{Broker, Outcome, arrived, brought, control, group, inbox, next, plain, token};
use bytes::Bytes;
use conduit::transport::{
    Packet, Subscription, Targets, Transport, TransportError, TransportErrorKind,
};
use futures_lite::{FutureExt, StreamExt, future, future::block_on};

/// Runs the tests of [`leave`](crate::suites::leave) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! leave_suite {
    ($($how:tt)+) => {
        $crate::under_every_runtime! {
            leave for $($how)+:
            under_load_every_packet_reaches_one_member,
            what_was_routed_is_yielded_and_then_the_stream_ends,
            leaving_and_subscribing_anew_overlap,
            without_a_connection_it_ends_and_stays_left,
            a_connection_that_breaks_ends_a_leave,
            a_leave_that_was_dropped_can_be_called_again,
            dropping_unsubscribes,
        }
    };
}

/// Publishes on a thread of its own, outside any runtime, until it is told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32, TransportError>>,
}

impl Load {
    fn start(publish: impl Fn(u32) -> Result<(), TransportError> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut published = 0;
            while !stopped.load(Ordering::Relaxed) {
                publish(published)?;
                published += 1;
            }
            Ok(published)
        });
        Self { stop, thread }
    }

    /// How many packets it published. Waits without blocking the runtime, which may have to run
    /// the connection meanwhile.
    async fn stop(self) -> Result<u32, TransportError> {
        self.stop.store(true, Ordering::Relaxed);
        smol::unblock(|| self.thread.join().expect("the load doesn't panic")).await
    }
}

fn number(packet: &[u8]) -> u32 {
    u32::from_be_bytes(packet[..4].try_into().expect("four bytes"))
}

pub async fn under_load_every_packet_reaches_one_member<B: Broker>() -> Outcome {
    const LEAVES: usize = 10;
    const TAKEN_BEFORE: usize = 500;
    const WINDOW: usize = 50_000;
    let server = B::start();
    let (leaver, stayer) = (server.connect().await?, server.connect().await?);
    let _inboxes = (leaver.subscribe(&inbox(1)).await?, stayer.subscribe(&inbox(2)).await?);
    let mut staying = stayer.subscribe(&group("work")).await?;
    stayer.flush().await?;

    let work = group("work");
    let sender = server.connect().await?;
    let sending = sender.clone();
    // Never further ahead of the receivers than their subscriptions can hold.
    let (ahead, taken) = smol::channel::bounded(WINDOW);
    let work_load = Load::start(move |sequence| {
        let packet = Bytes::copy_from_slice(&sequence.to_be_bytes());
        let _ = ahead.send_blocking(());
        block_on(sending.publish(&work, packet, None))
    });
    // A client that is busy writing reads late: this is where other ways to leave lose packets.
    let (elsewhere, streaming) = (control(), leaver.clone());
    let chunk = Bytes::from(vec![0; 4 * 1024]);
    let stream_load =
        Load::start(move |_| block_on(streaming.publish(&elsewhere, chunk.clone(), None)));

    let mut stayed = Vec::new();
    let taking = async {
        loop {
            stayed.push(number(&next(&mut staying).await));
            let _ = taken.try_recv();
        }
    };
    let leaving = async {
        let mut left = Vec::new();
        for _ in 0..LEAVES {
            let mut leaving = leaver.subscribe(&group("work")).await?;
            for _ in 0..TAKEN_BEFORE {
                left.push(number(&next(&mut leaving).await));
                let _ = taken.try_recv();
            }
            leaving.leave().await?;
            while let Some(packet) = leaving.next().await {
                let Packet::Data(packet) = packet else { panic!("a notice at a subject") };
                left.push(number(&packet));
                let _ = taken.try_recv();
            }
        }
        stream_load.stop().await?;
        let published = work_load.stop().await?;
        // The sender has no inbox, and no need of one, to wait for the broker.
        sender.flush().await?;
        stayer.flush().await?;
        Ok::<_, TransportError>((left, published))
    };
    let (mut received, published) = leaving.or(taking).await?;
    received.append(&mut stayed);
    while received.len() < published as usize {
        let Some(Packet::Data(packet)) = brought::<B>(&mut staying).await else { break };
        received.push(number(&packet));
    }
    assert_eq!(arrived(&mut staying).await, None);
    received.sort_unstable();
    let lost = (0..published).filter(|sequence| received.binary_search(sequence).is_err()).count();
    assert_eq!((lost, received.len()), (0, published as usize), "lost, and received");
    Ok(())
}

pub async fn what_was_routed_is_yielded_and_then_the_stream_ends<B: Broker>() -> Outcome {
    const PACKETS: u32 = 1_000;
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut packets = transport.subscribe(&plain("a")).await?;
    for sequence in 0..PACKETS {
        let packet = Bytes::copy_from_slice(&sequence.to_be_bytes());
        transport.publish(&plain("a"), packet, None).await?;
    }
    packets.leave().await?;
    transport.publish(&plain("a"), "too late".into(), None).await?;
    packets.leave().await?;
    for sequence in 0..PACKETS {
        assert_eq!(number(&next(&mut packets).await), sequence);
    }
    assert_eq!(packets.next().await, None);
    assert_eq!(packets.next().await, None);
    packets.leave().await?;
    Ok(())
}

pub async fn leaving_and_subscribing_anew_overlap<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut old = transport.subscribe(&plain("a")).await?;
    transport.publish(&plain("a"), "old".into(), None).await?;
    old.leave().await?;
    let mut new = transport.subscribe(&plain("a")).await?;
    transport.publish(&plain("a"), "new".into(), None).await?;
    assert_eq!(next(&mut new).await, b"new");
    assert_eq!(next(&mut old).await, b"old");
    assert_eq!(old.next().await, None);
    Ok(())
}

pub async fn without_a_connection_it_ends_and_stays_left<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut packets = transport.subscribe(&plain("a")).await?;
    transport.publish(&plain("a"), "before".into(), None).await?;
    transport.flush().await?;
    // A broker whose packets take another connection than its flushes may not have sent it yet.
    let early = if B::ONE_CONNECTION { None } else { Some(next(&mut packets).await) };
    server.stop();
    // Whether the client has noticed yet or notices during the leave, it says the same.
    let left = packets.leave().await;
    assert_eq!(left.map_err(|error| error.kind()), Err(TransportErrorKind::Disconnected));
    server.start_again();
    transport.publish(&plain("a"), "after".into(), None).await?;
    transport.flush().await?;
    let before = match early {
        Some(before) => before,
        None => next(&mut packets).await,
    };
    assert_eq!(before, b"before");
    assert_eq!(packets.next().await, None);
    Ok(())
}

pub async fn a_connection_that_breaks_ends_a_leave<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut notices = transport.subscribe(&inbox(1)).await?;
    let mut packets = transport.subscribe(&plain("a")).await?;
    transport.flush().await?;
    server.pause();
    let mut leave = Box::pin(packets.leave());
    let polled = future::poll_once(&mut leave).await;
    assert!(polled.is_none(), "no broker has answered");
    server.stop();
    let left = leave.await;
    assert_eq!(left.map_err(|error| error.kind()), Err(TransportErrorKind::Disconnected));
    assert_eq!(packets.next().await, None);
    server.start_again();
    nobody_listens(&transport, &mut notices).await
}

pub async fn a_leave_that_was_dropped_can_be_called_again<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut packets = transport.subscribe(&plain("a")).await?;
    transport.publish(&plain("a"), "routed".into(), None).await?;
    // One poll sends the command. The broker's answer is hardly here yet.
    let _ = future::poll_once(packets.leave()).await;
    packets.leave().await?;
    assert_eq!(next(&mut packets).await, b"routed");
    assert_eq!(packets.next().await, None);
    Ok(())
}

pub async fn dropping_unsubscribes<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let mut notices = transport.subscribe(&inbox(1)).await?;
    drop(transport.subscribe(&plain("a")).await?);
    nobody_listens_soon::<B>(&transport, &mut notices).await?;
    let packets = transport.subscribe(&plain("a")).await?;
    let dropping = thread::spawn(move || drop(packets));
    smol::unblock(|| dropping.join()).await.map_err(|_| "a drop panicked")?;
    nobody_listens_soon::<B>(&transport, &mut notices).await
}

/// The broker says that nobody is subscribed to `a`, at once where it takes one connection.
async fn nobody_listens_soon<B: Broker>(
    transport: &B::Transport,
    notices: &mut impl Subscription,
) -> Outcome {
    if B::ONE_CONNECTION {
        return nobody_listens(transport, notices).await;
    }
    let token = token(1, Targets::Plain);
    loop {
        transport.publish(&plain("a"), "anybody?".into(), Some((&inbox(1), token))).await?;
        transport.flush().await?;
        if arrived(notices).await == Some(Packet::Undelivered(token)) {
            break;
        }
    }
    // One more may be on its way.
    while arrived(notices).await.is_some() {}
    Ok(())
}

/// The broker says that nobody is subscribed to `a`.
async fn nobody_listens(transport: &impl Transport, notices: &mut impl Subscription) -> Outcome {
    let token = token(1, Targets::Plain);
    transport.publish(&plain("a"), "anybody?".into(), Some((&inbox(1), token))).await?;
    assert_eq!(notices.next().await, Some(Packet::Undelivered(token)));
    Ok(())
}
