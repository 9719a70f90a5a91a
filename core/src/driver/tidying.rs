//! Removes expired entries of finished requests and streams, even if nothing else happens.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use event_listener::Event;

use super::{Shared, shared::lock};

/// Whether there are entries that will have to be removed.
#[derive(Default)]
pub(crate) struct Untidy {
    is: AtomicBool,
    changed: Event,
}

impl Untidy {
    pub(super) fn set(&self) {
        if !self.is.swap(true, Ordering::AcqRel) {
            self.changed.notify(usize::MAX);
        }
    }
}

impl Shared {
    /// Removes entries one idle limit after they were added.
    pub(super) async fn tidy(&self) {
        loop {
            let untidy = self.untidy.changed.listen();
            if !self.untidy.is.swap(false, Ordering::AcqRel) {
                untidy.await;
                continue;
            }
            // Entries added meanwhile expire later, and are handled by the next round.
            let newest = self.newest_tomb().unwrap_or_else(|| self.now() + self.config.idle_limit);
            self.pause_until(newest).await;
            self.expire_tombs();
            self.destinations.forget_idle();
            if self.newest_tomb().is_some() {
                self.untidy.set();
            }
        }
    }

    /// Returns when the last of the current entries expires.
    fn newest_tomb(&self) -> Option<Instant> {
        let received = lock(&self.streams.received).newest();
        let sent = lock(&self.streams.sent).newest();
        received.into_iter().chain(sent).chain(self.newest_cancellation()).max()
    }

    fn expire_tombs(&self) {
        let now = self.now();
        lock(&self.streams.received).expire(now);
        lock(&self.streams.sent).expire(now);
        self.expire_cancellations(now);
    }
}
