use std::time::{Duration, Instant};

/// How many signs of life each side sends within the idle limit.
pub(crate) const SIGNS_OF_LIFE: u32 = 6;

/// Adds a duration to an instant; an instant in the far future if that overflows.
pub(super) fn later(at: Instant, pause: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    at.checked_add(pause).unwrap_or_else(|| at + FAR)
}
