use std::time::Duration;

/// The longest pause between two attempts. A longer one would take most of the time for which an
/// open body can do without a server that restarts.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Returns how long to wait before an attempt to connect again, counted from 1. The first one is made
/// at once; then the pauses grow to half a second.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(conduit_kit::pause_before(1), Duration::ZERO);
/// assert_eq!(conduit_kit::pause_before(99), Duration::from_millis(500));
/// ```
#[must_use]
pub fn pause_before(attempt: usize) -> Duration {
    match attempt {
        0 | 1 => Duration::ZERO,
        2..10 => Duration::from_millis(1 << (attempt - 1)),
        _ => LONGEST_PAUSE,
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, LONGEST_PAUSE, pause_before};

    #[test]
    fn pauses_grow_to_the_longest() {
        assert_eq!(pause_before(1), Duration::ZERO);
        let pauses: Vec<_> = (1..100).map(pause_before).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
    }
}
