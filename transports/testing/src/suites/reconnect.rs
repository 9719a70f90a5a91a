//! A server that goes away and comes back.

use crate::{Broker, Outcome, disconnected, group, inbox, next, plain, subject};
use conduit::transport::{Targets, Transport, TransportErrorKind};
use futures_lite::future;

/// Runs the tests of [`reconnect`](crate::suites::reconnect) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! reconnect_suite {
    ($($how:tt)+) => {
        $crate::under_every_runtime! {
            reconnect for $($how)+:
            a_publish_waits_for_the_connection,
            subscriptions_live_on,
            a_waiting_publish_that_is_dropped_publishes_nothing,
            a_packet_is_kept_while_there_is_no_connection,
        }
    };
}

pub async fn a_publish_waits_for_the_connection<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    publishes_wait(server, transport).await
}

/// What is published while the server is away goes out once it is back.
pub async fn publishes_wait<B: Broker>(mut server: B, transport: B::Transport) -> Outcome {
    let mut packets = transport.subscribe(&inbox(1)).await?;
    transport.flush().await?;
    server.stop();
    disconnected::<B>(&transport).await;

    let mut waiting: Vec<_> =
        (0..100_u8).map(|number| Box::pin(publish(&transport, number))).collect();
    for publish in &mut waiting {
        assert!(future::poll_once(publish).await.is_none(), "published without a connection");
    }
    server.start_again();
    let mut numbers = Vec::new();
    for publish in waiting {
        publish.await?;
        numbers.extend(next(&mut packets).await);
    }
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    Ok(())
}

async fn publish(transport: &impl Transport, number: u8) -> Outcome {
    let to = inbox(1);
    Ok(transport.publish(&to, vec![number].into(), None).await?)
}

pub async fn subscriptions_live_on<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut inbox_packets = transport.subscribe(&inbox(1)).await?;
    let mut plain_packets = transport.subscribe(&plain("a")).await?;
    let mut group_packets = transport.subscribe(&group("a")).await?;
    for _ in 0..3 {
        server.stop();
        disconnected::<B>(&transport).await;
        server.start_again();
        transport.flush().await?;
        let other = server.connect().await?;
        other.publish(&subject("a", Targets::Both), "to both".into(), None).await?;
        other.publish(&inbox(1), "to the inbox".into(), None).await?;
        assert_eq!(next(&mut plain_packets).await, b"to both");
        assert_eq!(next(&mut group_packets).await, b"to both");
        assert_eq!(next(&mut inbox_packets).await, b"to the inbox");
    }
    Ok(())
}

pub async fn a_waiting_publish_that_is_dropped_publishes_nothing<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut packets = transport.subscribe(&inbox(1)).await?;
    server.stop();
    disconnected::<B>(&transport).await;
    for number in 0..100 {
        assert!(future::poll_once(publish(&transport, number)).await.is_none());
    }
    server.start_again();
    publish(&transport, 100).await?;
    assert_eq!(next(&mut packets).await, [100]);
    Ok(())
}

pub async fn a_packet_is_kept_while_there_is_no_connection<B: Broker>() -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let mut packets = transport.subscribe(&inbox(1)).await?;
    let to = inbox(1);
    transport.ready(&to).await?;
    server.stop();
    disconnected::<B>(&transport).await;
    let mut ready = Box::pin(transport.ready(&to));
    assert!(future::poll_once(&mut ready).await.is_none(), "ready without a connection");
    let mut packet = Some("kept".into());
    let refused = transport.hand_over(&to, &mut packet, None).await;
    let kind = refused.map_err(|error| error.kind());
    assert_eq!((kind, packet.is_some()), (Err(TransportErrorKind::Disconnected), true));
    server.start_again();
    ready.await?;
    transport.hand_over(&to, &mut packet, None).await?;
    assert_eq!(packet, None);
    assert_eq!(next(&mut packets).await, b"kept");
    Ok(())
}
