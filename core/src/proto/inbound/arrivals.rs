//! How much has arrived of late.

use std::time::{Duration, Instant};

/// The bytes that have arrived within about the last second: of this half of a second and the one
/// before.
#[derive(Debug)]
pub(super) struct Arrivals {
    since: Instant,
    before: u64,
    now: u64,
}

impl Arrivals {
    const HALF: Duration = Duration::from_millis(500);

    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, before: 0, now: 0 }
    }

    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        let halves = now.saturating_duration_since(self.since).as_millis() / Self::HALF.as_millis();
        if halves > 0 {
            self.before = if halves == 1 { self.now } else { 0 };
            self.now = 0;
            self.since = now;
        }
        self.now = self.now.saturating_add(bytes);
    }

    pub(super) fn of_late(&self) -> u64 {
        self.before.saturating_add(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_a_second_ago_does_not_count() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        for (millis, bytes, of_late) in
            [(0, 1, 1), (400, 2, 3), (600, 4, 7), (1000, 8, 15), (1200, 16, 28), (3000, 32, 32)]
        {
            arrivals.add(start + Duration::from_millis(millis), bytes);
            assert_eq!(arrivals.of_late(), of_late, "after {millis} ms");
        }
    }
}
