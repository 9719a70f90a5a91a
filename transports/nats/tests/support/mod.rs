//! A real NATS server for tests, and conduits over it.

// Each test binary compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

mod binary;
mod cluster;
mod conduits;
mod jwt;
mod proxy;
mod server;
mod slow;
mod tls;

pub use conduit_testing::{
    Certificates, Outcome, PATIENT, Process, Text, arrived, async_std, body, control, group, inbox,
    logged, next, plain, read, released, run, server_url, sha256, smol, subject, token,
    tokio_current_thread, tokio_multi_thread, under_every_runtime, with_every_runtime,
};
use futures_lite::future;

pub use self::{
    cluster::Cluster,
    conduits::{Half, builder, connected},
    jwt::Operator,
    proxy::Proxy,
    server::Server,
    slow::was_slow,
    tls::tls_config,
};

/// Waits until a transport has noticed that its server is gone.
pub async fn disconnected(nats: &conduit_nats::Nats) {
    while !format!("{nats:?}").contains("Disconnected") {
        future::yield_now().await;
    }
}
