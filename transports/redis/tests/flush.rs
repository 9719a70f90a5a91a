//! A flush waits for the broker.

mod support;

use conduit::transport::{Packet, Transport, TransportErrorKind};
use conduit_redis::Redis;
use futures_lite::future;
use support::{Outcome, Server, arrived, inbox, next, plain, under_every_runtime};

under_every_runtime!(
    a_flushed_subscription_hears_another_connection_every_time,
    a_flush_needs_no_inbox,
    many_flushes_at_once_all_end,
    dropped_flushes_hold_nothing_up,
    a_connection_that_breaks_ends_a_flush,
    a_flush_waits_for_a_connection,
);

async fn a_flushed_subscription_hears_another_connection_every_time() -> Outcome {
    let server = Server::start();
    let (redis, other) = (Redis::connect(server.url()).await?, Redis::connect(server.url()).await?);
    let _inbox = redis.subscribe(&inbox(1)).await?;
    for number in 0..1_000 {
        let at = plain(&format!("s{number}"));
        let mut packets = redis.subscribe(&at).await?;
        redis.flush().await?;
        other.publish(&at, "heard".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"heard", "subscription {number}");
    }
    Ok(())
}

async fn a_flush_needs_no_inbox() -> Outcome {
    let server = Server::start();
    let (redis, other) = (Redis::connect(server.url()).await?, Redis::connect(server.url()).await?);
    let mut packets = redis.subscribe(&plain("a")).await?;
    redis.flush().await?;
    for _ in 0..100 {
        other.publish(&plain("a"), "heard".into(), None).await?;
        other.flush().await?;
        redis.flush().await?;
        assert_eq!(arrived(&mut packets).await, Some(Packet::Data("heard".into())));
    }
    Ok(())
}

async fn many_flushes_at_once_all_end() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let _inbox = redis.subscribe(&inbox(1)).await?;
    let mut waiting = Vec::new();
    for _ in 0..500 {
        let mut flush = Box::pin(redis.flush());
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

async fn dropped_flushes_hold_nothing_up() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let _inbox = redis.subscribe(&inbox(1)).await?;
    for _ in 0..5_000 {
        let _ = future::poll_once(redis.flush()).await;
        future::yield_now().await;
    }
    redis.flush().await?;
    Ok(())
}

async fn a_connection_that_breaks_ends_a_flush() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    redis.flush().await?;
    server.pause();
    let mut flush = Box::pin(redis.flush());
    assert!(future::poll_once(&mut flush).await.is_none(), "no broker has answered");
    server.stop();
    let error = flush.await.expect_err("the connection broke meanwhile");
    assert_eq!(error.kind(), TransportErrorKind::Disconnected);
    server.start_again();
    redis.flush().await?;
    redis.publish(&inbox(1), "after".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"after");
    Ok(())
}

async fn a_flush_waits_for_a_connection() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let _inbox = redis.subscribe(&inbox(1)).await?;
    server.stop();
    support::disconnected(&redis).await;
    let flush = future::poll_once(redis.flush()).await;
    assert!(flush.is_none(), "flushed without a connection");
    let (flushed, _server) = future::zip(
        redis.flush(),
        ::smol::unblock(move || {
            server.start_again();
            server
        }),
    )
    .await;
    flushed?;
    Ok(())
}
