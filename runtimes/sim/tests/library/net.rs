//! Conduits on one broker in a simulation, for what has to happen at exact times.

use std::{sync::Arc, time::Duration};

use conduit::{Conduit, Error};
use conduit_json::Json;
use conduit_memory::{Delay, FaultPlan, Faults, Memory};
use conduit_sim::{Process, Sim};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A simulation with one broker.
pub(crate) struct Net {
    pub(crate) sim: Sim,
    pub(crate) broker: Memory,
}

impl Net {
    pub(crate) fn run<F: Future<Output = Result>>(
        seed: u64,
        test: impl FnOnce(Arc<Self>) -> F,
    ) -> Result {
        let sim = Sim::new(seed);
        let outcome = sim.block_on(test(Self::of(sim.clone())));
        sim.shut_down();
        outcome
    }

    pub(crate) fn of(sim: Sim) -> Arc<Self> {
        Arc::new(Self { sim, broker: Memory::new() })
    }

    pub(crate) fn builder(
        &self,
        name: &str,
        process: &Process,
    ) -> conduit::Builder<Process, Memory, Json> {
        let builder = Conduit::builder(name).runtime(process.clone()).ids(self.sim.ids());
        builder.transport(self.broker.clone()).encoder(Json)
    }

    /// One whose window is an eighth of the bodies here.
    pub(crate) fn conduit(&self, name: &str) -> Result<Conduit<Json>, Error> {
        let builder = self.builder(name, &self.sim.process());
        builder.body_window(125_000).build()
    }

    /// One whose bodies are small and so are its windows: a reader is never far behind its sender.
    pub(crate) fn small(&self, name: &str) -> Result<Conduit<Json>, Error> {
        let builder = self.builder(name, &self.sim.process());
        builder.chunk_size(16).first_window(64).body_window(256).build()
    }

    pub(crate) fn slow_network(&self) {
        let delay = Faults::new().delay(Delay::Fixed(Duration::from_millis(2)));
        let plan = FaultPlan::new(self.sim.clone(), 1).on_the_rest(delay);
        self.broker.inject_faults(plan);
    }

    pub(crate) async fn is_released(&self, conduits: &[&Conduit<Json>]) {
        self.sim.sleep(Duration::from_secs(30)).await;
        for conduit in conduits {
            let stats = conduit.stats();
            let held = (stats.incoming_bytes, stats.outgoing_bytes);
            let open = (stats.incoming_bodies, stats.outgoing_bodies, stats.pending_requests);
            assert_eq!((held, open), ((0, 0), (0, 0, 0)));
        }
    }
}
