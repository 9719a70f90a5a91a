//! Redis passes the conformance suite, against a real server, under every runtime.

mod support;

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_redis::Redis;
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

mod on_smol {
    use super::RealServer;
    conduit_conformance::suite!(RealServer, conduit_smol::Smol, smol::block_on);
}

mod on_async_std {
    use super::RealServer;
    conduit_conformance::suite!(RealServer, conduit_async_std::AsyncStd, async_std::task::block_on);
}

mod on_tokio {
    use super::{RealServer, tokio_with};
    conduit_conformance::suite!(RealServer, conduit_tokio::Tokio, |check| tokio_with(
        tokio::runtime::Builder::new_multi_thread().worker_threads(2),
        check
    ));
}

mod on_tokio_current_thread {
    use super::{RealServer, tokio_with};
    conduit_conformance::suite!(RealServer, conduit_tokio::Tokio, |check| tokio_with(
        &mut tokio::runtime::Builder::new_current_thread(),
        check
    ));
}

fn tokio_with<T>(builder: &mut tokio::runtime::Builder, check: impl Future<Output = T>) -> T {
    builder.enable_all().build().expect("tokio starts").block_on(check)
}
