//! Redis passes the conformance suite, against a real server, under every runtime.

mod support;

use std::process::ExitCode;

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_redis::Redis;
use conduit_testing::{conformance_trials, run_trials};
use support::Server;

/// A server of one's own.
struct RealServer(Server);

impl Broker for RealServer {
    type Transport = Redis;

    async fn start() -> Self {
        Self(Server::start())
    }

    async fn connect(&self) -> Redis {
        // The checks of limits are about those of conduits: as much room as other transports give.
        let options = Redis::options().body_budget(48 << 20);
        let connected = Redis::connect_with(options, [self.0.url()]).await;
        connected.expect("the server answers")
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<Redis> {
        Some(self.connect().await.in_namespace(namespace))
    }
}

fn main() -> ExitCode {
    run_trials(conformance_trials!(RealServer))
}
