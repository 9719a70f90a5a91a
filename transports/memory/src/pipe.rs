use std::time::{Duration, Instant};

/// One direction of a connection with a bandwidth: packets pass it one after the other.
#[derive(Default)]
pub(crate) struct Pipe {
    /// When the last packet has passed.
    free_at: Option<Instant>,
}

impl Pipe {
    /// Returns when a packet of `length` bytes will have passed, after those before it.
    pub(crate) fn pass(&mut self, now: Instant, length: usize, bandwidth: u32) -> Instant {
        let time = Duration::from_secs(length as u64) / bandwidth.max(1);
        let passed = self.free_at.map_or(now, |free| free.max(now)) + time;
        self.free_at = Some(passed);
        passed
    }
}
