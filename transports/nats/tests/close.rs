//! Closing, and dropping without closing.

mod support;

use std::thread;

use async_compat::Compat;
use conduit::transport::{Subscription, Transport, TransportError, TransportErrorKind};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future};
use support::{Outcome, Server, arrived, inbox, next, plain, under_every_runtime};

under_every_runtime!(
    after_close_everything_is_closed_and_streams_end,
    what_was_published_before_is_sent,
    a_close_ends_what_waits,
    a_close_without_a_connection_ends,
    a_clone_and_a_client_handed_in_stay_open,
    the_last_close_ends_the_connection,
    everything_can_be_dropped_on_a_bare_thread,
);

fn is_closed<T>(result: Result<T, TransportError>) -> bool {
    result.is_err_and(|error| error.kind() == TransportErrorKind::Closed)
}

async fn after_close_everything_is_closed_and_streams_end() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    let mut left = nats.subscribe(&plain("a")).await?;
    // One waits before the close, one asks after it.
    let (ended, ()) = future::zip(packets.next(), nats.close()).await;
    assert_eq!(ended, None);
    assert_eq!(packets.next().await, None);
    assert!(is_closed(left.leave().await));
    assert_eq!(left.next().await, None);
    assert!(is_closed(nats.publish(&inbox(1), "late".into(), None).await));
    assert!(is_closed(nats.subscribe(&plain("b")).await));
    assert!(is_closed(nats.flush().await));
    nats.close().await;
    Ok(())
}

async fn what_was_published_before_is_sent() -> Outcome {
    const PACKETS: usize = 10_000;
    let server = Server::start();
    let receiver = Nats::connect(server.url()).await?;
    let mut packets = receiver.subscribe(&inbox(1)).await?;
    receiver.flush().await?;
    let sender = Nats::connect(server.url()).await?;
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
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    server.stop();
    support::disconnected(&nats).await;
    let to = inbox(1);
    let publishing = nats.publish(&to, "never".into(), None);
    let waiting = future::zip(publishing, future::zip(nats.flush(), packets.next()));
    let ((published, (flushed, ended)), ()) = future::zip(waiting, nats.close()).await;
    assert!(is_closed(published) && is_closed(flushed));
    assert_eq!(ended, None);
    Ok(())
}

async fn a_close_without_a_connection_ends() -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    server.stop();
    nats.close().await;
    assert!(is_closed(nats.flush().await));
    Ok(())
}

async fn a_clone_and_a_client_handed_in_stay_open() -> Outcome {
    let server = Server::start();
    let client = Compat::new(async_nats::connect(server.url())).await?;
    let handed_in = Nats::from(client.clone());
    let own = Nats::connect(server.url()).await?;
    for nats in [handed_in, own] {
        let clone = nats.clone();
        let mut packets = clone.subscribe(&inbox(1)).await?;
        let mut ended = nats.subscribe(&inbox(2)).await?;
        nats.close().await;
        assert_eq!(ended.next().await, None);
        clone.publish(&inbox(1), "open".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"open");
        assert_eq!(arrived(&mut packets).await, None);
        clone.close().await;
    }
    Compat::new(client.flush()).await?;
    let state = client.connection_state();
    assert_eq!(state, async_nats::connection::State::Connected);
    Ok(())
}

async fn the_last_close_ends_the_connection() -> Outcome {
    let server = Server::start();
    let watcher = Nats::connect(server.url()).await?;
    let nats = Nats::connect(server.url()).await?;
    let clone = nats.clone();
    let _kept = nats.subscribe(&inbox(1)).await?;
    nats.flush().await?;
    clone.close().await;
    nats.close().await;
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
    let nats = Nats::connect(server.url()).await?;
    let packets = nats.subscribe(&inbox(1)).await?;
    let mut flush = Box::pin({
        let nats = nats.clone();
        async move { nats.flush().await }
    });
    let _ = future::poll_once(&mut flush).await;
    let mut left = nats.subscribe(&plain("a")).await?;
    let mut leave = Box::pin(async move { left.leave().await });
    let _ = future::poll_once(&mut leave).await;
    // More than fits into the client's queue of commands, so that a drop finds it full.
    let many = async {
        let mut all = Vec::new();
        for number in 0..3_000 {
            all.push(nats.subscribe(&plain(&format!("s{number}"))).await?);
        }
        Ok::<_, TransportError>(all)
    };
    let many = many.await?;
    let dropping = thread::spawn(move || drop((packets, flush, leave, many, nats)));
    ::smol::unblock(|| dropping.join()).await.map_err(|_| "a drop panicked")?;
    Ok(())
}
