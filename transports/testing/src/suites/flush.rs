//! A flush waits for the broker.

use crate::{Broker, Outcome, brought, disconnected, inbox, next, plain};
use conduit::transport::{Packet, Transport, TransportErrorKind};
use futures_lite::future;

/// Runs the tests of [`flush`](crate::suites::flush) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! flush_suite {
    ($($how:tt)+) => {
        $crate::under_every_runtime! {
            flush for $($how)+:
            a_flushed_subscription_hears_another_connection_every_time,
            a_flush_needs_no_inbox,
            many_flushes_at_once_all_end,
            dropped_flushes_hold_nothing_up,
            a_connection_that_breaks_ends_a_flush,
            a_flush_waits_for_a_connection,
        }
    };
}

pub async fn a_flushed_subscription_hears_another_connection_every_time<B: Broker>() -> Outcome {
    let server = B::start();
    let (transport, other) = (server.connect().await?, server.connect().await?);
    let _inbox = transport.subscribe(&inbox(1)).await?;
    for number in 0..1_000 {
        let at = plain(&format!("s{number}"));
        let mut packets = transport.subscribe(&at).await?;
        transport.flush().await?;
        other.publish(&at, "heard".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"heard", "subscription {number}");
    }
    Ok(())
}

pub async fn a_flush_needs_no_inbox<B: Broker>() -> Outcome {
    let server = B::start();
    let (transport, other) = (server.connect().await?, server.connect().await?);
    let mut packets = transport.subscribe(&plain("a")).await?;
    transport.flush().await?;
    for _ in 0..100 {
        other.publish(&plain("a"), "heard".into(), None).await?;
        other.flush().await?;
        transport.flush().await?;
        assert_eq!(brought::<B>(&mut packets).await, Some(Packet::Data("heard".into())));
    }
    Ok(())
}

pub async fn many_flushes_at_once_all_end<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut waiting = Vec::new();
    for _ in 0..500 {
        let mut flush = Box::pin(transport.flush());
        match future::poll_once(&mut flush).await {
            Some(flushed) => flushed?,
            None => waiting.push(flush),
        }
    }
    for flush in waiting {
        flush.await?;
    }
    Ok(())
}

pub async fn dropped_flushes_hold_nothing_up<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    for _ in 0..5_000 {
        let _ = future::poll_once(transport.flush()).await;
        future::yield_now().await;
    }
    transport.flush().await?;
    Ok(())
}

pub async fn a_connection_that_breaks_ends_a_flush<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut packets = transport.subscribe(&inbox(1)).await?;
    transport.flush().await?;
    server.pause();
    let mut flush = Box::pin(transport.flush());
    assert!(future::poll_once(&mut flush).await.is_none(), "no broker has answered");
    server.stop();
    let error = flush.await.expect_err("the connection broke meanwhile");
    assert_eq!(error.kind(), TransportErrorKind::Disconnected);
    server.start_again();
    transport.flush().await?;
    transport.publish(&inbox(1), "after".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"after");
    Ok(())
}

pub async fn a_flush_waits_for_a_connection<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    server.stop();
    disconnected::<B>(&transport).await;
    let flush = future::poll_once(transport.flush()).await;
    assert!(flush.is_none(), "flushed without a connection");
    let (flushed, _server) = future::zip(
        transport.flush(),
        smol::unblock(move || {
            server.start_again();
            server
        }),
    )
    .await;
    flushed?;
    Ok(())
}
