//! What a conduit says of its connection to a server.

mod support;

use std::time::Duration;

use async_compat::Compat;
use conduit::{
    Conduit, ConduitState, ErrorKind, Runtime,
    transport::ConnectionState::{self, Connected, Disconnected, Reconnecting, Unknown},
};
use conduit_nats::Nats;
use futures_lite::{Stream, StreamExt};
use support::{Outcome, PATIENT, Server, Text, builder, with_every_runtime};

with_every_runtime!(
    a_server_that_is_killed_and_back_shows_each_state_once,
    a_connection_that_is_given_up_closes_the_conduit,
    a_client_that_was_handed_in_tells_nothing,
    a_conduit_that_starts_before_its_server_is_ready_later,
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
