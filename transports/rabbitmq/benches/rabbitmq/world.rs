use conduit::Conduit;
use conduit_bench::Under;
use conduit_json::Json;
use conduit_rabbitmq::RabbitMq;

use crate::bare::{Bare, Confirms};

/// A runtime, and a server.
pub(crate) struct World {
    pub(crate) under: Under,
    port: u16,
}

impl World {
    pub(crate) fn new(under: Under, port: u16) -> Self {
        Self { under, port }
    }

    /// The name of a case under this runtime.
    pub(crate) fn case(&self, case: &str) -> String {
        format!("{case}, {}", self.under.name())
    }

    pub(crate) fn conduit(&self, service: &str) -> Conduit<Json> {
        let url = self.url();
        let rabbitmq = self.under.run(async move { RabbitMq::connect(url).await });
        self.under.conduit(service, rabbitmq.expect("a connection"), Json)
    }

    pub(crate) fn bare(&self, confirms: Confirms) -> Bare {
        let url = self.url();
        self.under.run(async move { Bare::connect(&url, confirms).await }).expect("a connection")
    }

    fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.port)
    }
}
