use std::sync::{Mutex, PoisonError};

use conduit::IdSource;
use fastrand::Rng;

/// Ids that a seed decides, for [`Builder::ids`](conduit::Builder::ids). Only for tests: whoever
/// knows one of them knows the next.
#[derive(Debug)]
pub struct SimIds(Mutex<Rng>);

impl SimIds {
    /// Ids from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Rng::with_seed(seed)))
    }
}

impl IdSource for SimIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}
