//! RabbitMQ passes the conformance suite, against a real server, under every runtime.

mod support;

use std::{process::ExitCode, sync::Arc, time::Duration};

use conduit::transport::{MAX_NAMESPACE, Namespace};
use conduit_conformance::Broker;
use conduit_rabbitmq::RabbitMq;
use conduit_testing::conformance_trials;
use support::Node;

/// A part of the server that nobody else uses.
struct OwnPart {
    node: Arc<Node>,
    namespace: String,
}

impl OwnPart {
    async fn in_namespace(&self, namespace: &str) -> RabbitMq {
        let connected = RabbitMq::connect(format!("amqp://127.0.0.1:{}", self.node.port())).await;
        let namespace = namespace.parse().expect("a namespace");
        connected.expect("the server answers").in_namespace(namespace)
    }
}

impl Broker for OwnPart {
    type Transport = RabbitMq;
    // All checks share one server, and the processors with it.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn start() -> Self {
        Self { node: support::shared(), namespace: support::fresh_namespace() }
    }

    async fn connect(&self) -> RabbitMq {
        self.in_namespace(&self.namespace).await
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<RabbitMq> {
        // The end of a long one is its own; with all of it, it would be too long.
        let room = MAX_NAMESPACE - self.namespace.len() - 1;
        let end = &namespace.as_str()[namespace.as_str().len().saturating_sub(room)..];
        Some(self.in_namespace(&format!("{}-{end}", self.namespace)).await)
    }
}

fn main() -> ExitCode {
    support::run(conformance_trials!(OwnPart))
}
