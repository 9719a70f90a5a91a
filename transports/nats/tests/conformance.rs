//! NATS passes the conformance suite, against a real server, under every runtime.

mod support;

use std::process::ExitCode;

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_nats::Nats;
use conduit_testing::{conformance_trials, run_trials};
use support::Server;

/// A server of one's own.
struct RealServer(Server);

impl Broker for RealServer {
    type Transport = Nats;

    async fn start() -> Self {
        Self(Server::start())
    }

    async fn connect(&self) -> Nats {
        Nats::connect(self.0.url()).await.expect("the server answers")
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<Nats> {
        Some(self.connect().await.in_namespace(namespace))
    }
}

fn main() -> ExitCode {
    run_trials(conformance_trials!(RealServer))
}
