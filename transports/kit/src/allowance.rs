use std::time::Instant;

/// How many new services' inboxes are asked for at once; then it is one a second. So no peer can slow down
/// our answers by asking under many names.
const MOST_INBOXES: u32 = 8;

/// How often something may be done: so many times, and once more each second.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: MOST_INBOXES, counted: now }
    }

    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    /// Returns whether [`take`](Self::take) would say yes.
    pub(crate) fn has_any(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left > 0
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.counted).as_secs();
        if seconds > 0 {
            let more = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(MOST_INBOXES);
            self.counted = now;
        }
    }
}
