use std::sync::{Mutex, PoisonError};

use conduit::IdGenerator;
use fastrand::Rng;

/// A generator of ids determined by a seed, for [`Builder::ids`](conduit::Builder::ids). Only for
/// tests: the ids are predictable.
///
/// ```
/// use conduit::IdGenerator;
/// use conduit_sim::SimIds;
///
/// let id = |seed| {
///     let mut bytes = [0; 16];
///     SimIds::new(seed).fill(&mut bytes);
///     bytes
/// };
/// assert_eq!(id(7), id(7));
/// assert_ne!(id(7), id(8));
/// ```
#[derive(Debug)]
pub struct SimIds(Mutex<Rng>);

impl SimIds {
    /// Creates a generator of ids from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Rng::with_seed(seed)))
    }
}

impl IdGenerator for SimIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}
