//! Closing, and dropping without closing.

use std::thread;

use crate::{Broker, Outcome, arrived, disconnected, inbox, next, plain, token};
use conduit::transport::{Subscription, Targets, Transport, TransportError, TransportErrorKind};
use futures_lite::{StreamExt, future};

/// Runs the tests of [`close`](crate::suites::close) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! close_suite {
    ($($how:tt)+) => {
        $crate::under_every_runtime! {
            close for $($how)+:
            after_close_everything_is_closed_and_streams_end,
            what_was_published_before_is_sent,
            a_close_ends_what_waits,
            a_close_without_a_connection_ends,
            a_clone_stays_open,
            the_last_close_ends_the_connection,
            everything_can_be_dropped_on_a_bare_thread,
        }
    };
}

fn is_closed<T>(result: Result<T, TransportError>) -> bool {
    result.is_err_and(|error| error.kind() == TransportErrorKind::Closed)
}

pub async fn after_close_everything_is_closed_and_streams_end<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let mut packets = transport.subscribe(&inbox(1)).await?;
    let mut left = transport.subscribe(&plain("a")).await?;
    // One waits before the close, one asks after it.
    let (ended, ()) = future::zip(packets.next(), transport.close()).await;
    assert_eq!(ended, None);
    assert_eq!(packets.next().await, None);
    assert!(is_closed(left.leave().await));
    assert_eq!(left.next().await, None);
    assert!(is_closed(transport.publish(&inbox(1), "late".into(), None).await));
    assert!(is_closed(transport.subscribe(&plain("b")).await));
    assert!(is_closed(transport.flush().await));
    transport.close().await;
    Ok(())
}

pub async fn what_was_published_before_is_sent<B: Broker>() -> Outcome {
    const PACKETS: usize = 10_000;
    let server = B::start();
    let receiver = server.connect().await?;
    let mut packets = receiver.subscribe(&inbox(1)).await?;
    receiver.flush().await?;
    let sender = server.connect().await?;
    for _ in 0..PACKETS {
        sender.publish(&inbox(1), "sent".into(), None).await?;
    }
    sender.close().await;
    drop(sender);
    receiver.flush().await?;
    for _ in 0..PACKETS {
        assert_eq!(next(&mut packets).await, b"sent");
    }
    Ok(())
}

pub async fn a_close_ends_what_waits<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut packets = transport.subscribe(&inbox(1)).await?;
    server.stop();
    disconnected::<B>(&transport).await;
    let to = inbox(1);
    let publishing = transport.publish(&to, "never".into(), None);
    let waiting = future::zip(publishing, future::zip(transport.flush(), packets.next()));
    let ((published, (flushed, ended)), ()) = future::zip(waiting, transport.close()).await;
    assert!(is_closed(published) && is_closed(flushed));
    assert_eq!(ended, None);
    Ok(())
}

pub async fn a_close_without_a_connection_ends<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    server.stop();
    transport.close().await;
    assert!(is_closed(transport.flush().await));
    Ok(())
}

pub async fn a_clone_stays_open<B: Broker>() -> Outcome {
    let server = B::start();
    its_clone_stays_open(server.connect().await?).await
}

/// The clone of a transport is not closed with it.
pub async fn its_clone_stays_open<T: Transport + Clone>(transport: T) -> Outcome {
    let clone = transport.clone();
    let mut packets = clone.subscribe(&inbox(1)).await?;
    let mut ended = transport.subscribe(&inbox(2)).await?;
    transport.close().await;
    assert_eq!(ended.next().await, None);
    clone.publish(&inbox(1), "open".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"open");
    assert_eq!(arrived(&mut packets).await, None);
    clone.close().await;
    Ok(())
}

pub async fn the_last_close_ends_the_connection<B: Broker>() -> Outcome {
    let server = B::start();
    let watcher = server.connect().await?;
    let transport = server.connect().await?;
    let clone = transport.clone();
    let _kept = transport.subscribe(&inbox(1)).await?;
    transport.flush().await?;
    clone.close().await;
    transport.close().await;
    // The values are still here, and yet the server knows of no such subscription any more.
    let mut notices = watcher.subscribe(&inbox(2)).await?;
    loop {
        let token = token(1, Targets::Plain);
        watcher.publish(&inbox(1), "anybody?".into(), Some((&inbox(2), token))).await?;
        watcher.flush().await?;
        if arrived(&mut notices).await.is_some() {
            return Ok(());
        }
    }
}

pub async fn everything_can_be_dropped_on_a_bare_thread<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let packets = transport.subscribe(&inbox(1)).await?;
    let mut flush = Box::pin({
        let transport = transport.clone();
        async move { transport.flush().await }
    });
    let _ = future::poll_once(&mut flush).await;
    let mut left = transport.subscribe(&plain("a")).await?;
    let mut leave = Box::pin(async move { left.leave().await });
    let _ = future::poll_once(&mut leave).await;
    // More than fits into the client's queue of commands, so that a drop finds it full.
    let many = async {
        let mut all = Vec::new();
        for number in 0..B::MANY {
            all.push(transport.subscribe(&plain(&format!("s{number}"))).await?);
        }
        Ok::<_, TransportError>(all)
    };
    let many = many.await?;
    let dropping = thread::spawn(move || drop((packets, flush, leave, many, transport)));
    smol::unblock(|| dropping.join()).await.map_err(|_| "a drop panicked")?;
    Ok(())
}
