//! Removes expired entries of finished requests and streams, even if nothing else happens.

use std::time::Instant;

use super::Shared;

/// Removes entries one idle limit after they were added.
pub(super) async fn tidy(shared: &Shared) {
    loop {
        let untidy = shared.untidy.listen();
        if !shared.untidy.take() {
            untidy.await;
            continue;
        }
        // Entries added meanwhile expire later, and are handled by the next round.
        let newest = newest_tomb(shared).unwrap_or_else(|| shared.now() + shared.config.idle_limit);
        shared.pause_until(newest).await;
        let now = shared.now();
        shared.streams.expire_tombs(now);
        shared.serving.expire_tombs(now);
        shared.destinations.forget_idle();
        if newest_tomb(shared).is_some() {
            shared.untidy.set();
        }
    }
}

/// Returns when the last of the current entries expires.
fn newest_tomb(shared: &Shared) -> Option<Instant> {
    shared.streams.newest_tomb().max(shared.serving.newest_tomb())
}
