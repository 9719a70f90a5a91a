//! The layers, on a virtual clock.

mod breaking;
mod limiting;
mod recording;
mod retrying;
mod simulated;
mod timing;

use std::error::Error;

use conduit::{Builder, Conduit};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// A broker, and the runtime of everything that is connected to it.
#[derive(Clone)]
struct World {
    sim: Sim,
    broker: Memory,
}

impl World {
    fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), broker: Memory::new() }
    }

    /// Runs a test in a world of its own.
    fn run<F: Future<Output = Result>>(test: impl FnOnce(Self) -> F) -> Result {
        let sim = Sim::new(7);
        sim.block_on(test(Self::new(&sim)))
    }

    fn builder(&self, service: &str) -> Builder<Sim, Memory, Json> {
        let builder = Conduit::builder(service).runtime(self.sim.clone()).ids(self.sim.ids());
        builder.transport(self.broker.clone()).encoder(Json)
    }

    fn node(&self, service: &str) -> Result<Conduit<Json>, conduit::Error> {
        self.builder(service).build()
    }
}
