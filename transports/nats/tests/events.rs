//! What happens to a connection is told, as events and in the log.

mod support;

use std::{collections::BTreeSet, time::Duration};

use conduit::transport::{Transport, TransportErrorKind};
use conduit_nats::{Events, Nats, NatsEvent};
use futures_lite::StreamExt;
use support::{Outcome, Server, inbox, logged, plain, under_every_runtime};

under_every_runtime!(
    a_restart,
    a_close,
    a_lame_duck,
    a_server_that_says_nothing_any_more,
    what_is_not_permitted,
    a_full_subscription,
    a_connection_that_is_given_up,
    too_many_subscriptions,
);

/// Waits for an event.
async fn wait_for(events: &mut Events, wanted: impl Fn(&NatsEvent) -> bool) -> NatsEvent {
    loop {
        let event = events.next().await.expect("the connection has not ended");
        if wanted(&event) {
            return event;
        }
    }
}

async fn a_restart() -> Outcome {
    logged();
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let (mut events, mut other) = (nats.events(), nats.clone().events());
    server.stop();
    wait_for(&mut events, |event| *event == NatsEvent::Disconnected).await;
    wait_for(&mut events, |event| matches!(event, NatsEvent::ConnectFailed(_))).await;
    server.start_again();
    wait_for(&mut events, |event| *event == NatsEvent::Connected).await;
    wait_for(&mut other, |event| *event == NatsEvent::Connected).await;
    let logged = logged();
    for line in ["connected to NATS", "the connection to NATS is lost", "connecting to NATS failed"]
    {
        assert!(logged.contains(line), "{line:?} is logged");
    }
    Ok(())
}

async fn a_close() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut events = nats.events();
    nats.close().await;
    let last: Vec<_> = events.collect::<Vec<_>>().await;
    assert_eq!(last.last(), Some(&NatsEvent::Closed));
    // So it is for whoever asks late.
    events = nats.events();
    assert_eq!(events.next().await, None);
    Ok(())
}

async fn a_lame_duck() -> Outcome {
    let server = Server::with_config("lame_duck_grace_period: '1s', lame_duck_duration: '30s'");
    let nats = Nats::connect(server.url()).await?;
    let mut events = nats.events();
    server.lame_duck();
    wait_for(&mut events, |event| *event == NatsEvent::LameDuck).await;
    Ok(())
}

async fn a_server_that_says_nothing_any_more() -> Outcome {
    let server = Server::start();
    let options = Nats::options().ping_interval(Duration::from_millis(50));
    let nats = Nats::connect_with(options, server.url()).await?;
    let mut events = nats.events();
    server.pause();
    wait_for(&mut events, |event| *event == NatsEvent::Disconnected).await;
    Ok(())
}

async fn what_is_not_permitted() -> Outcome {
    let server = Server::with_config(
        "authorization { users: [{ user: a, password: b, permissions { publish: nothing } }] }",
    );
    let nats = Nats::connect(server.url_as("a", "b")).await?;
    let mut events = nats.events();
    nats.publish(&plain("forbidden"), "lost".into(), None).await?;
    let denied = wait_for(&mut events, |event| matches!(event, NatsEvent::Denied(_))).await;
    assert!(denied.to_string().contains("conduit.users.s.1.0.forbidden"), "{denied}");
    Ok(())
}

async fn a_full_subscription() -> Outcome {
    let server = Server::start();
    let options = Nats::options().subscription_capacity(1);
    let nats = Nats::connect_with(options, server.url()).await?;
    let mut events = nats.events();
    let _full = nats.subscribe(&inbox(1)).await?;
    for _ in 0..1000 {
        nats.publish(&inbox(1), "too many".into(), None).await?;
    }
    wait_for(&mut events, |event| *event == NatsEvent::SlowConsumer).await;
    Ok(())
}

async fn a_connection_that_is_given_up() -> Outcome {
    let mut server = Server::start();
    let options = Nats::options().max_reconnects(1);
    let nats = Nats::connect_with(options, server.url()).await?;
    let events = nats.events();
    server.stop();
    let all: BTreeSet<_> =
        events.map(|event| event.to_string()).collect::<Vec<_>>().await.into_iter().collect();
    assert!(all.iter().any(|event| event.contains("max reconnects reached")), "{all:?}");
    Ok(())
}

async fn too_many_subscriptions() -> Outcome {
    let server = Server::with_config("max_subscriptions: 3");
    let nats = Nats::connect(server.url()).await?;
    let mut events = nats.events();
    let _inbox = nats.subscribe(&inbox(1)).await?;
    // With the mark beside it there are three.
    let _last = nats.subscribe(&plain("a")).await?;
    let refused = nats.subscribe(&plain("b")).await.map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(TransportErrorKind::Denied));
    let told = wait_for(&mut events, |event| matches!(event, NatsEvent::ServerError(_))).await;
    assert!(told.to_string().contains("maximum subscriptions"), "{told}");
    Ok(())
}
