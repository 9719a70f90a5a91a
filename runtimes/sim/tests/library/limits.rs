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
    /// In a conduit, beside [what is not charged](Self::UNCHARGED).
    pub(crate) waiting_bytes_at_all: u64,
    /// How long a header of each message is, at most: what waits then meets the limits.
    pub(crate) padding: usize,
    /// Of a binding.
    pub(crate) bodies: usize,
}

impl Limits {
    /// So many of the first bytes of each binding and of each request are not charged.
    pub(crate) const UNCHARGED: u64 = 16 << 10;

    /// How many bodies come in at once, at most.
    pub(crate) fn bodies_at_all(&self) -> usize {
        self.bodies * 4
    }

    /// Limits that nothing in a run meets by chance alone.
    pub(crate) fn roomy(rng: &mut Rng) -> Self {
        let chunk = [16, 64, 256][rng.usize(..3)];
        let first_window = chunk as u64 * rng.u64(1..=4);
        let window = first_window * rng.u64(1..=8);
        Self {
            chunk,
            first_window,
            window,
            budget: 1 << 20,
            waiting: 1024,
            waiting_bytes: 1 << 20,
            waiting_bytes_at_all: 1 << 20,
            padding: 0,
            bodies: 128,
        }
    }

    pub(crate) fn tight(rng: &mut Rng) -> Self {
        let roomy = Self::roomy(rng);
        if rng.bool() {
            return roomy;
        }
        // Near the longest that headers may be.
        let (padding, waiting) = if rng.bool() { (7_000, 8) } else { (0, 4) };
        Self {
            first_window: rng.u64(1..=roomy.first_window),
            budget: roomy.window * rng.u64(1..=3),
            waiting: rng.usize(1..=waiting),
            waiting_bytes: rng.u64(1..=waiting as u64) * (roomy.chunk + padding) as u64,
            waiting_bytes_at_all: rng.u64(1..=2) * (roomy.chunk + padding) as u64,
            padding,
            bodies: rng.usize(1..=4),
            ..roomy
        }
    }
}
