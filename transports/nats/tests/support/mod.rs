//! A real NATS server for tests, the runtimes they run under, and a few words for writing them.

// Each test binary compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

mod addresses;
mod binary;
mod bodies;
mod cluster;
mod conduits;
mod jwt;
mod logs;
mod process;
mod proxy;
mod runtimes;
mod server;
mod slow;
mod tls;

pub use self::{
    addresses::{control, group, inbox, plain, subject, token},
    bodies::{body, read, sha256},
    cluster::Cluster,
    conduits::{Half, PATIENT, Text, builder, connected, released, run},
    jwt::Operator,
    logs::logged,
    process::{Process, server_url},
    proxy::Proxy,
    runtimes::{Outcome, async_std, smol, tokio_current_thread, tokio_multi_thread},
    server::Server,
    slow::was_slow,
    tls::Certificates,
};

use conduit::transport::Packet;
use futures_lite::{Stream, StreamExt, future};

/// Runs test functions, `async fn() -> Outcome`, under every runtime.
macro_rules! under_every_runtime {
    ($($test:ident),+ $(,)?) => {
        under_every_runtime!(@ tokio_multi_thread $($test)+);
        under_every_runtime!(@ tokio_current_thread $($test)+);
        under_every_runtime!(@ smol $($test)+);
        under_every_runtime!(@ async_std $($test)+);
    };
    (@ $runtime:ident $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> crate::support::Outcome {
                crate::support::$runtime(super::$test())
            })+
        }
    };
}
pub(crate) use self::conduits::with_every_runtime;
pub(crate) use under_every_runtime;

/// The next packet, which has to be data.
pub async fn next(packets: &mut (impl Stream<Item = Packet> + Unpin)) -> Vec<u8> {
    match packets.next().await {
        Some(Packet::Data(data)) => data.into(),
        other => panic!("expected data, got {other:?}"),
    }
}

/// What has arrived already; `None` where nothing waits.
pub async fn arrived(packets: &mut (impl Stream<Item = Packet> + Unpin)) -> Option<Packet> {
    // tokio's channels pretend to be empty to a task that has taken much in one poll.
    future::yield_now().await;
    future::poll_once(packets.next()).await.flatten()
}

/// Waits until a transport has noticed that its server is gone.
pub async fn disconnected(nats: &conduit_nats::Nats) {
    while !format!("{nats:?}").contains("Disconnected") {
        future::yield_now().await;
    }
}
