//! A server that goes away and comes back.

mod support;

use conduit::transport::{Targets, Transport, TransportError, TransportErrorKind};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future};
use support::{Outcome, Server, group, inbox, next, plain, subject, under_every_runtime};

under_every_runtime!(
    a_publish_waits_for_the_connection,
    so_it_does_on_a_client_that_was_handed_in,
    subscriptions_live_on,
    a_waiting_publish_that_is_dropped_publishes_nothing,
    a_packet_is_kept_while_there_is_no_connection,
    a_connection_that_is_given_up_is_an_error,
);

async fn a_publish_waits_for_the_connection() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    publishes_wait(server, nats).await
}

async fn so_it_does_on_a_client_that_was_handed_in() -> Outcome {
    let server = Server::start();
    let client = async_compat::Compat::new(async_nats::connect(server.url())).await?;
    publishes_wait(server, Nats::from(client)).await
}

async fn publishes_wait(mut server: Server, nats: Nats) -> Outcome {
    let mut packets = nats.subscribe(&inbox(1)).await?;
    nats.flush().await?;
    server.stop();
    support::disconnected(&nats).await;

    let mut waiting: Vec<_> = (0..100_u8).map(|number| Box::pin(publish(&nats, number))).collect();
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

async fn publish(nats: &Nats, number: u8) -> Outcome {
    let to = inbox(1);
    Ok(nats.publish(&to, vec![number].into(), None).await?)
}

async fn subscriptions_live_on() -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut inbox_packets = nats.subscribe(&inbox(1)).await?;
    let mut plain_packets = nats.subscribe(&plain("a")).await?;
    let mut group_packets = nats.subscribe(&group("a")).await?;
    for _ in 0..3 {
        server.stop();
        support::disconnected(&nats).await;
        server.start_again();
        nats.flush().await?;
        let other = Nats::connect(server.url()).await?;
        other.publish(&subject("a", Targets::Both), "to both".into(), None).await?;
        other.publish(&inbox(1), "to the inbox".into(), None).await?;
        assert_eq!(next(&mut plain_packets).await, b"to both");
        assert_eq!(next(&mut group_packets).await, b"to both");
        assert_eq!(next(&mut inbox_packets).await, b"to the inbox");
    }
    Ok(())
}

async fn a_waiting_publish_that_is_dropped_publishes_nothing() -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    server.stop();
    support::disconnected(&nats).await;
    for number in 0..100 {
        assert!(future::poll_once(publish(&nats, number)).await.is_none());
    }
    server.start_again();
    publish(&nats, 100).await?;
    assert_eq!(next(&mut packets).await, [100]);
    Ok(())
}

async fn a_packet_is_kept_while_there_is_no_connection() -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    let to = inbox(1);
    nats.ready(&to).await?;
    server.stop();
    support::disconnected(&nats).await;
    let mut ready = Box::pin(nats.ready(&to));
    assert!(future::poll_once(&mut ready).await.is_none(), "ready without a connection");
    let mut packet = Some("kept".into());
    let refused = nats.hand_over(&to, &mut packet, None).await;
    let kind = refused.map_err(|error| error.kind());
    assert_eq!((kind, packet.is_some()), (Err(TransportErrorKind::Disconnected), true));
    server.start_again();
    ready.await?;
    nats.hand_over(&to, &mut packet, None).await?;
    assert_eq!(packet, None);
    assert_eq!(next(&mut packets).await, b"kept");
    Ok(())
}

async fn a_connection_that_is_given_up_is_an_error() -> Outcome {
    let mut server = Server::start();
    let options = Nats::options().max_reconnects(1);
    let nats = Nats::connect_with(options, server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    nats.flush().await?;
    server.stop();
    assert_eq!(packets.next().await, None);
    let is_closed = |result: Result<(), TransportError>| {
        result.is_err_and(|error| error.kind() == TransportErrorKind::Closed)
    };
    assert!(is_closed(nats.publish(&inbox(1), "never".into(), None).await));
    assert!(is_closed(nats.flush().await));
    assert!(is_closed(nats.subscribe(&plain("a")).await.map(drop)));
    Ok(())
}
