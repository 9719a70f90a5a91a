//! The limits of all conduits of a run.

use fastrand::Rng;

/// Small, so that small bodies meet them.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) chunk: usize,
    pub(crate) first_window: u64,
    pub(crate) window: u64,
    pub(crate) budget: u64,
    pub(crate) waiting: usize,
    /// In one binding.
    pub(crate) waiting_bytes: u64,
    /// Of a binding.
    pub(crate) bodies: usize,
}

impl Limits {
    /// The longest packet: a chunk, and what goes before it.
    pub(crate) fn packet(&self) -> u64 {
        self.chunk as u64 + 256
    }

    /// How many bodies come in at once, at most.
    pub(crate) fn bodies_at_all(&self) -> usize {
        self.bodies * 4
    }

    /// Limits that nothing in a run meets by chance alone.
    pub(crate) fn roomy(rng: &mut Rng) -> Self {
        let chunk = [16, 64, 256][rng.usize(..3)];
        let first_window = chunk as u64 * rng.u64(1..=4);
        let window = first_window * rng.u64(1..=8);
        let (budget, waiting_bytes) = (1 << 20, 1 << 20);
        Self { chunk, first_window, window, budget, waiting: 1024, waiting_bytes, bodies: 128 }
    }

    pub(crate) fn tight(rng: &mut Rng) -> Self {
        let roomy = Self::roomy(rng);
        if rng.bool() {
            return roomy;
        }
        Self {
            first_window: rng.u64(1..=roomy.first_window),
            budget: roomy.window * rng.u64(1..=3),
            waiting: rng.usize(1..=4),
            waiting_bytes: rng.u64(1..=4) * roomy.chunk as u64,
            bodies: rng.usize(1..=4),
            ..roomy
        }
    }
}
