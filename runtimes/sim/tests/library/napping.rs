//! A loop that reads a binding, and naps now and then.

use std::{sync::Arc, time::Duration};

use conduit::Binding;
use conduit_json::Json;
use conduit_sim::{Process, Sim};
use fastrand::Rng;

use crate::{
    handlers,
    oracle::{Oracle, Place},
};

/// It takes so many messages, and then does something else for so long.
pub(crate) struct Pace {
    take: u32,
    nap: Duration,
}

impl Pace {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        Self { take: rng.u32(1..=4), nap: Duration::from_millis(rng.u64(1..=30)) }
    }

    /// Reads a binding to its end. Each message is handled in a task of its own.
    pub(crate) async fn read(
        self,
        sim: Sim,
        oracle: Arc<Oracle>,
        process: Process,
        place: Place,
        mut binding: Binding<Json>,
    ) {
        loop {
            for _ in 0..self.take {
                let Some(message) = binding.next().await else { return };
                oracle.waits(binding.waiting(), binding.waiting_bytes());
                if let Some(op) = handlers::op_of(&oracle, &message) {
                    oracle.runs(op, place, &message);
                }
                handlers::at_once(&process, &sim, &oracle, place, message);
            }
            sim.sleep(self.nap).await;
            oracle.waits(binding.waiting(), binding.waiting_bytes());
        }
    }
}
