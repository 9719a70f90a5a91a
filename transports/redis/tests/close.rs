//! Closing, and dropping without closing.

mod support;

use std::thread;

use conduit::transport::{Subscription, Transport, TransportError, TransportErrorKind};
use conduit_redis::Redis;
use futures_lite::{StreamExt, future};
use support::{Outcome, Server, arrived, inbox, next, plain, under_every_runtime};

under_every_runtime!(
    after_close_everything_is_closed_and_streams_end,
    what_was_published_before_is_sent,
    a_close_ends_what_waits,
    a_close_without_a_connection_ends,
    a_clone_stays_open,
    the_last_close_ends_the_connection,
    everything_can_be_dropped_on_a_bare_thread,
);

fn is_closed<T>(result: Result<T, TransportError>) -> bool {
    result.is_err_and(|error| error.kind() == TransportErrorKind::Closed)
}

async fn after_close_everything_is_closed_and_streams_end() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    let mut left = redis.subscribe(&plain("a")).await?;
    // One waits before the close, one asks after it.
    let (ended, ()) = future::zip(packets.next(), redis.close()).await;
    assert_eq!(ended, None);
    assert_eq!(packets.next().await, None);
    assert!(is_closed(left.leave().await));
    assert_eq!(left.next().await, None);
    assert!(is_closed(redis.publish(&inbox(1), "late".into(), None).await));
    assert!(is_closed(redis.subscribe(&plain("b")).await));
    assert!(is_closed(redis.flush().await));
    redis.close().await;
    Ok(())
}

async fn what_was_published_before_is_sent() -> Outcome {
    const PACKETS: usize = 10_000;
    let server = Server::start();
    let receiver = Redis::connect(server.url()).await?;
    let mut packets = receiver.subscribe(&inbox(1)).await?;
    receiver.flush().await?;
    let sender = Redis::connect(server.url()).await?;
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

async fn a_close_ends_what_waits() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    server.stop();
    support::disconnected(&redis).await;
    let to = inbox(1);
    let publishing = redis.publish(&to, "never".into(), None);
    let waiting = future::zip(publishing, future::zip(redis.flush(), packets.next()));
    let ((published, (flushed, ended)), ()) = future::zip(waiting, redis.close()).await;
    assert!(is_closed(published) && is_closed(flushed));
    assert_eq!(ended, None);
    Ok(())
}

async fn a_close_without_a_connection_ends() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    server.stop();
    redis.close().await;
    assert!(is_closed(redis.flush().await));
    Ok(())
}

async fn a_clone_stays_open() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let clone = redis.clone();
    let mut packets = clone.subscribe(&inbox(1)).await?;
    let mut ended = redis.subscribe(&inbox(2)).await?;
    redis.close().await;
    assert_eq!(ended.next().await, None);
    clone.publish(&inbox(1), "open".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"open");
    assert_eq!(arrived(&mut packets).await, None);
    clone.close().await;
    Ok(())
}

async fn the_last_close_ends_the_connection() -> Outcome {
    let server = Server::start();
    let watcher = Redis::connect(server.url()).await?;
    let redis = Redis::connect(server.url()).await?;
    let clone = redis.clone();
    let _kept = redis.subscribe(&inbox(1)).await?;
    redis.flush().await?;
    clone.close().await;
    redis.close().await;
    // The values are still here, and yet the server knows of no such subscription any more.
    let mut notices = watcher.subscribe(&inbox(2)).await?;
    loop {
        let token = support::token(1, conduit::transport::Targets::Plain);
        watcher.publish(&inbox(1), "anybody?".into(), Some((&inbox(2), token))).await?;
        watcher.flush().await?;
        if arrived(&mut notices).await.is_some() {
            return Ok(());
        }
    }
}

async fn everything_can_be_dropped_on_a_bare_thread() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let packets = redis.subscribe(&inbox(1)).await?;
    let mut flush = Box::pin({
        let redis = redis.clone();
        async move { redis.flush().await }
    });
    let _ = future::poll_once(&mut flush).await;
    let mut left = redis.subscribe(&plain("a")).await?;
    let mut leave = Box::pin(async move { left.leave().await });
    let _ = future::poll_once(&mut leave).await;
    // More than fits into the client's queue of commands, so that a drop finds it full.
    let many = async {
        let mut all = Vec::new();
        for number in 0..3_000 {
            all.push(redis.subscribe(&plain(&format!("s{number}"))).await?);
        }
        Ok::<_, TransportError>(all)
    };
    let many = many.await?;
    let dropping = thread::spawn(move || drop((packets, flush, leave, many, redis)));
    ::smol::unblock(|| dropping.join()).await.map_err(|_| "a drop panicked")?;
    Ok(())
}
