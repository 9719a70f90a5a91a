//! The in-memory broker passes the conformance suite under every runtime.

use std::process::ExitCode;

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_memory::Memory;
use conduit_testing::{conformance_trials, run_trials};

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

fn main() -> ExitCode {
    run_trials(conformance_trials!(InMemory))
}
