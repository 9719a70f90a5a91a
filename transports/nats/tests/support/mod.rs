//! A real NATS server for tests, and conduits over it.

// Each test binary compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

mod binary;
mod cluster;
mod jwt;
mod real;
mod server;
mod slow;
mod tls;

pub use conduit_testing::{
    Broker, Certificates, Outcome, PATIENT, Process, Proxy, Text, arrived, async_std, body,
    builder, connected, control, group, inbox, logged, next, plain, read, released, run,
    server_url, sha256, smol, subject, token, tokio_current_thread, tokio_multi_thread,
    under_every_runtime, with_every_runtime,
};

/// A conduit that still needs its limits.
pub type Half<R> = conduit_testing::Half<R, conduit_nats::Nats>;

pub use self::{
    cluster::Cluster, jwt::Operator, real::RealServer, server::Server, slow::was_slow,
    tls::tls_config,
};

/// Waits until a transport has noticed that its server is gone.
pub async fn disconnected(transport: &conduit_nats::Nats) {
    conduit_testing::disconnected::<Server>(transport).await;
}
