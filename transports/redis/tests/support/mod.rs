//! A real server for tests, and conduits over it.

// Each test binary compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

mod binary;
mod conduits;
mod server;

pub use conduit_testing::{
    Certificates, Outcome, PATIENT, Process, Text, arrived, async_std, body, control, group, inbox,
    logged, next, plain, read, released, run, server_url, sha256, smol, subject, token,
    tokio_current_thread, tokio_multi_thread, under_every_runtime, with_every_runtime,
};

pub use self::{
    conduits::{Half, builder, connected},
    server::Server,
};

/// Waits until a transport has noticed that its server is gone.
pub async fn disconnected(redis: &conduit_redis::Redis) {
    while format!("{redis:?}").contains(" Connected") {
        futures_lite::future::yield_now().await;
    }
}
