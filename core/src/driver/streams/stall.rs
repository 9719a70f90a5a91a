//! How long a body waits for credit.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{driver::ground::Ground, lock::lock};

/// Measures how long an outgoing body has bytes that its receivers have not granted.
#[derive(Default)]
pub(super) struct Stall(Mutex<Option<Instant>>);

impl Stall {
    /// Notes whether it waits for credit now.
    pub(super) fn note(&self, now: Instant, lacks_credit: bool, ground: &Ground) {
        if lacks_credit {
            lock(&self.0).get_or_insert(now);
        } else {
            self.end(now, ground);
        }
    }

    pub(super) fn is_running(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Adds the time to what all bodies have waited.
    pub(super) fn end(&self, now: Instant, ground: &Ground) {
        if let Some(since) = lock(&self.0).take() {
            ground.counters.stalled.add(now.saturating_duration_since(since));
        }
    }

    /// Returns for how long it has waited, if it waits.
    pub(super) fn so_far(&self, now: Instant) -> Duration {
        lock(&self.0).map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}
