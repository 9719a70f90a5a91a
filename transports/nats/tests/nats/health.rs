//! What a conduit says of its connection to a server.

use std::time::Duration;

use async_compat::Compat;
use conduit::{
    Conduit, ConduitState, ErrorKind, Failure, Runtime,
    transport::ConnectionState::{self, Connected, Disconnected, Reconnecting, Unknown},
};
use conduit_nats::Nats;
use futures_lite::{Stream, StreamExt};

use crate::support::{Outcome, PATIENT, Server, Text, builder, connected, with_every_runtime};

with_every_runtime!(
    a_server_that_is_killed_and_back_shows_each_state_once,
    a_connection_that_is_given_up_closes_the_conduit,
    a_client_that_was_handed_in_tells_nothing,
    a_conduit_that_starts_before_its_server_is_ready_later,
    both_sides_count_what_was_sent,
);

fn states(conduit: &Conduit<Text>) -> impl Stream<Item = ConnectionState> + Unpin + use<> {
    conduit.connection_changes().map(|status| status.state)
}

async fn a_server_that_is_killed_and_back_shows_each_state_once(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let conduit = builder("worker", runtime.clone(), nats.clone()).build()?;
    // Conduits that share a connection see the same.
    let other = builder("other", runtime, nats).build()?;
    let (mut changes, others) = (states(&conduit), states(&other));
    conduit.ready(PATIENT).await?;
    for _ in 0..2 {
        assert_eq!(changes.next().await, Some(Connected));
        server.stop();
        assert_eq!(changes.next().await, Some(Disconnected));
        let since = conduit.connection().since;
        assert_eq!(changes.next().await, Some(Reconnecting));
        assert_eq!(conduit.connection().since, since, "it is the same loss");
        let error = conduit.ready(Duration::from_millis(50)).await.expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        server.start_again();
        conduit.ready(PATIENT).await?;
    }
    assert_eq!(changes.next().await, Some(Connected));
    other.ready(PATIENT).await?;
    conduit.close().await;
    assert_eq!(changes.next().await, None);
    other.close().await;
    let all: Vec<_> = others.collect().await;
    let once = [Connected, Disconnected, Reconnecting];
    assert_eq!(all, [&once[..], &once, &[Connected]].concat());
    Ok(())
}

async fn a_connection_that_is_given_up_closes_the_conduit(runtime: impl Runtime) -> Outcome {
    let mut server = Server::start();
    let options = Nats::options().max_reconnects(1);
    let nats = Nats::connect_with(options, server.url()).await?;
    let conduit = builder("worker", runtime, nats).build()?;
    conduit.ready(PATIENT).await?;
    server.stop();
    conduit.closed().await;
    assert_eq!(conduit.state(), ConduitState::Closed);
    assert_ne!(conduit.connection().state, Connected);
    Ok(())
}

async fn a_client_that_was_handed_in_tells_nothing(runtime: impl Runtime) -> Outcome {
    let server = Server::start();
    let client = Compat::new(async_nats::connect(server.url())).await?;
    let conduit = builder("worker", runtime, Nats::from(client)).build()?;
    assert_eq!(conduit.connection().state, Unknown);
    // That it is ready is asked of the server.
    conduit.ready(PATIENT).await?;
    Ok(())
}

async fn a_conduit_that_starts_before_its_server_is_ready_later(runtime: impl Runtime) -> Outcome {
    let mut server = Server::start();
    server.stop();
    let options = Nats::options().retry_on_initial_connect();
    let nats = Nats::connect_with(options, server.url()).await?;
    let conduit = builder("worker", runtime, nats).build()?;
    let mut changes = states(&conduit);
    assert_ne!(changes.next().await, Some(Connected));
    let error = conduit.ready(Duration::from_millis(50)).await.expect_err("there is no server");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    server.start_again();
    conduit.ready(PATIENT).await?;
    while changes.next().await.ok_or("it ended")? != Connected {}
    Ok(())
}

async fn both_sides_count_what_was_sent(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let asker = connected("asker", &runtime, &server).await?.build()?;
    let worker = connected("worker", &runtime, &server).await?.build()?;
    worker.queue_bind("echo").await?.serve(async |text: String| match &*text {
        "" => Err(Failure::new("empty", "there is nothing to echo")),
        _ => Ok(text),
    });
    let to = asker.service("worker");
    let long = "long ".repeat(100_000);
    for text in ["short", &long, "", "short"] {
        // A reply that nobody reads fails its handler.
        if let Ok(reply) = to.request("echo", text).await {
            assert_eq!(reply.decode::<String>().await?, text);
        }
    }
    to.send("echo", "short").await?;
    to.request("nothing", "short").await.map(drop).expect_err("nobody is there");
    asker.close().await;
    worker.drain(PATIENT).await;
    let sent = asker.traffic().sent.into_iter();
    let sent: Vec<_> = sent.map(|its| (its.messages, its.failed.into_iter().collect())).collect();
    let failed = |kind| vec![(kind, 1_u64)];
    let expected = [(5, failed(ErrorKind::HandlerFailed)), (1, failed(ErrorKind::NoReceivers))];
    assert_eq!(sent, expected);
    let received = worker.traffic().received;
    let [echo] = &received[..] else { return Err(format!("{received:?}").into()) };
    assert_eq!((echo.messages, echo.handled), (5, 4));
    assert_eq!(Vec::from_iter(echo.failed.clone()), failed(ErrorKind::HandlerFailed));
    Ok(())
}
