//! A server that goes away and comes back.

mod support;

use conduit::transport::{Targets, Transport, TransportErrorKind};
use conduit_redis::Redis;
use futures_lite::future;
use support::{Outcome, Server, group, inbox, next, plain, subject, under_every_runtime};

under_every_runtime!(
    a_publish_waits_for_the_connection,
    subscriptions_live_on,
    a_waiting_publish_that_is_dropped_publishes_nothing,
    a_packet_is_kept_while_there_is_no_connection,
);

async fn a_publish_waits_for_the_connection() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    publishes_wait(server, redis).await
}

async fn publishes_wait(mut server: Server, redis: Redis) -> Outcome {
    let mut packets = redis.subscribe(&inbox(1)).await?;
    redis.flush().await?;
    server.stop();
    support::disconnected(&redis).await;

    let mut waiting: Vec<_> = (0..100_u8).map(|number| Box::pin(publish(&redis, number))).collect();
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

async fn publish(redis: &Redis, number: u8) -> Outcome {
    let to = inbox(1);
    Ok(redis.publish(&to, vec![number].into(), None).await?)
}

async fn subscriptions_live_on() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut inbox_packets = redis.subscribe(&inbox(1)).await?;
    let mut plain_packets = redis.subscribe(&plain("a")).await?;
    let mut group_packets = redis.subscribe(&group("a")).await?;
    for _ in 0..3 {
        server.stop();
        support::disconnected(&redis).await;
        server.start_again();
        redis.flush().await?;
        let other = Redis::connect(server.url()).await?;
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
    let redis = Redis::connect(server.url()).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    server.stop();
    support::disconnected(&redis).await;
    for number in 0..100 {
        assert!(future::poll_once(publish(&redis, number)).await.is_none());
    }
    server.start_again();
    publish(&redis, 100).await?;
    assert_eq!(next(&mut packets).await, [100]);
    Ok(())
}

async fn a_packet_is_kept_while_there_is_no_connection() -> Outcome {
    let mut server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    let to = inbox(1);
    redis.ready(&to).await?;
    server.stop();
    support::disconnected(&redis).await;
    let mut ready = Box::pin(redis.ready(&to));
    assert!(future::poll_once(&mut ready).await.is_none(), "ready without a connection");
    let mut packet = Some("kept".into());
    let refused = redis.hand_over(&to, &mut packet, None).await;
    let kind = refused.map_err(|error| error.kind());
    assert_eq!((kind, packet.is_some()), (Err(TransportErrorKind::Disconnected), true));
    server.start_again();
    ready.await?;
    redis.hand_over(&to, &mut packet, None).await?;
    assert_eq!(packet, None);
    assert_eq!(next(&mut packets).await, b"kept");
    Ok(())
}
