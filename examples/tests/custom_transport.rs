//! The transport of the example passes what every transport has to pass.

use std::sync::Arc;

use conduit_conformance::Broker;

#[path = "../custom_transport.rs"]
#[expect(dead_code, reason = "the example's main is run elsewhere")]
mod example;

struct Own(Arc<example::Broker>);

impl Broker for Own {
    type Transport = example::Connection;

    async fn start() -> Self {
        Self(Arc::default())
    }

    async fn connect(&self) -> example::Connection {
        example::Connection::new(&self.0)
    }
}

conduit_conformance::suite!(Own, conduit_smol::Smol, smol::block_on);
