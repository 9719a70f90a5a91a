use std::time::{Duration, Instant};

/// How often a half says that it is alive within the idle limit.
pub(crate) const SIGNS_OF_LIFE: u32 = 6;

/// A moment so much later; one that nobody lives to see where it cannot be counted.
pub(super) fn later(at: Instant, pause: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    at.checked_add(pause).unwrap_or_else(|| at + FAR)
}
