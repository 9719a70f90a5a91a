//! Removes expired entries of finished requests and streams, even if nothing else happens.

use std::time::Instant;

use super::{Shared, ground::lock};

impl Shared {
    /// Removes entries one idle limit after they were added.
    pub(super) async fn tidy(&self) {
        loop {
            let untidy = self.untidy.listen();
            if !self.untidy.take() {
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
