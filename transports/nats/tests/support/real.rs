use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_nats::Nats;

use super::Server;

/// A server for each check of conformance.
pub struct RealServer(Server);

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
