//! Clients that cannot work are refused, with the reason.

use std::error::Error;

use async_compat::Compat;
use conduit::{
    Conduit, Encoder, ErrorKind, Runtime,
    transport::{Transport, TransportError, TransportErrorKind},
};
use conduit_nats::Nats;

use crate::support::{Outcome, Server, inbox, under_every_runtime};

under_every_runtime!(no_echo, a_max_payload_that_is_too_small);

struct Raw;

impl Encoder for Raw {
    fn content_type(&self) -> &'static str {
        "application/octet-stream"
    }
}

fn is_refused<T>(result: Result<T, TransportError>, reason: &str) {
    let error = result.err().expect("an unusable client");
    assert_eq!(error.kind(), TransportErrorKind::Other);
    assert!(error.source().is_some_and(|source| source.to_string().contains(reason)), "{error:?}");
}

async fn no_echo() -> Outcome {
    let server = Server::start();
    let options = || Nats::options().no_echo();
    let handed_in = Nats::from(Compat::new(options().connect(server.url())).await?);
    let connected = Nats::connect_with(options(), server.url()).await?;
    is_refused(connected.subscribe(&inbox(1)).await, "no_echo");
    for nats in [handed_in, connected] {
        is_refused(nats.flush().await, "no_echo");
        let conduit = Conduit::new("users", on_smol(), nats.clone(), Raw)?;
        let error = conduit.bind("created").await.map(drop).expect_err("an unusable client");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(format!("{error:#}").contains("no_echo"), "{error:#}");
    }
    Ok(())
}

async fn a_max_payload_that_is_too_small() -> Outcome {
    let server = Server::with_config("max_payload: 16383");
    let nats = Nats::from(Compat::new(async_nats::connect(server.url())).await?);
    is_refused(nats.subscribe(&inbox(1)).await, "max_payload");
    Ok(())
}

/// Conduits run in smol's threads, whatever runs the test.
fn on_smol() -> impl Runtime {
    conduit_smol::Smol
}
