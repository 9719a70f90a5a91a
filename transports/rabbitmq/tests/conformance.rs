//! RabbitMQ passes the conformance suite, against a real server, under every runtime.

mod support;

use std::{process::ExitCode, sync::Arc, time::Duration};

use conduit::transport::{MAX_NAMESPACE, Namespace};
use conduit_conformance::{Broker, Check, checks};
use conduit_rabbitmq::RabbitMq;
use conduit_testing::{Trial, trial};
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
    let mut trials = Vec::new();
    let mut add = |runtime: &str, checks: Vec<Check>| {
        trials.extend(checks.into_iter().map(|check| as_trial(runtime, check)));
    };
    add("smol", checks!(OwnPart, conduit_smol::Smol, smol::block_on));
    add("async_std", checks!(OwnPart, conduit_async_std::AsyncStd, async_std::task::block_on));
    add(
        "tokio_multi_thread",
        checks!(OwnPart, conduit_tokio::Tokio, |check| tokio_with(
            tokio::runtime::Builder::new_multi_thread().worker_threads(2),
            check
        )),
    );
    add(
        "tokio_current_thread",
        checks!(OwnPart, conduit_tokio::Tokio, |check| tokio_with(
            &mut tokio::runtime::Builder::new_current_thread(),
            check
        )),
    );
    support::run(trials)
}

fn as_trial(runtime: &str, check: Check) -> Trial {
    trial(&format!("{runtime}::{}", check.name), || Ok((check.run)()?))
}

fn tokio_with<T>(builder: &mut tokio::runtime::Builder, check: impl Future<Output = T>) -> T {
    builder.enable_all().build().expect("tokio starts").block_on(check)
}
