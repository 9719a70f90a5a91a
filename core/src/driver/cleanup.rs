//! Removes expired entries of finished requests and streams, even if nothing else happens.

use std::time::Instant;

use super::Shared;

/// Removes entries one idle limit after they were added.
pub(super) async fn clean_up(shared: &Shared) {
    loop {
        let flagged = shared.cleanup_flag.listen();
        if !shared.cleanup_flag.take() {
            flagged.await;
            continue;
        }
        // Entries added meanwhile expire later, and are handled by the next round.
        let newest = last_expiry(shared).unwrap_or_else(|| shared.now() + shared.config.idle_limit);
        shared.pause_until(newest).await;
        let now = shared.now();
        shared.streams.remove_expired(now);
        shared.serving.remove_expired(now);
        shared.group_probes.remove_expired(now);
        shared.destinations.forget_idle();
        if last_expiry(shared).is_some() {
            shared.cleanup_flag.set();
        }
    }
}

/// Returns when the last of the current entries expires.
fn last_expiry(shared: &Shared) -> Option<Instant> {
    let parts = shared.streams.last_expiry().max(shared.serving.last_expiry());
    parts.max(shared.group_probes.last_expiry())
}
