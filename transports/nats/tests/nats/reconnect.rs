//! A server that goes away and comes back.

use async_compat::Compat;
use conduit::transport::{Transport, TransportError, TransportErrorKind};
use conduit_nats::Nats;
use conduit_testing::suites::reconnect::publishes_wait;
use futures_lite::StreamExt;

use crate::support::{Outcome, Server, inbox, plain, under_every_runtime};

mod common {
    conduit_testing::reconnect_suite!(crate::support::Server);
}

under_every_runtime!(
    a_publish_waits_on_a_client_that_was_handed_in,
    a_connection_that_is_given_up_is_an_error,
);

async fn a_publish_waits_on_a_client_that_was_handed_in() -> Outcome {
    let server = Server::start();
    let client = Compat::new(async_nats::connect(server.url())).await?;
    publishes_wait(server, Nats::from(client)).await
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
