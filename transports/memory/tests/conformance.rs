//! The in-memory broker passes the conformance suite under every runtime.

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_memory::Memory;

struct InMemory(Memory);

impl Broker for InMemory {
    type Transport = Memory;

    async fn start() -> Self {
        Self(Memory::new())
    }

    async fn connect(&self) -> Memory {
        self.0.clone()
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<Memory> {
        Some(self.0.in_namespace(namespace))
    }
}

mod on_smol {
    use super::InMemory;
    conduit_conformance::suite!(InMemory, conduit_smol::Smol, smol::block_on);
}

mod on_async_std {
    use super::InMemory;
    conduit_conformance::suite!(InMemory, conduit_async_std::AsyncStd, async_std::task::block_on);
}

mod on_tokio {
    use super::{InMemory, tokio_with};
    conduit_conformance::suite!(InMemory, conduit_tokio::Tokio, |check| tokio_with(
        tokio::runtime::Builder::new_multi_thread().worker_threads(2),
        check
    ));
}

mod on_tokio_current_thread {
    use super::{InMemory, tokio_with};
    conduit_conformance::suite!(InMemory, conduit_tokio::Tokio, |check| tokio_with(
        &mut tokio::runtime::Builder::new_current_thread(),
        check
    ));
}

fn tokio_with<T>(builder: &mut tokio::runtime::Builder, check: impl Future<Output = T>) -> T {
    builder.enable_all().build().expect("tokio starts").block_on(check)
}
