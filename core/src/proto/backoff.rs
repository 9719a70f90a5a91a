use std::time::Duration;

/// The pauses after which a group that has refused is asked again: longer each time, up to a bound,
/// since most refuse because they are busy for a moment.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    refusals: u32,
}

impl Backoff {
    /// How long to pause after one more refusal.
    pub(crate) fn pause(&mut self) -> Duration {
        const FIRST: Duration = Duration::from_millis(10);
        const MOST_DOUBLINGS: u32 = 3;
        let pause = FIRST * (1 << self.refusals.min(MOST_DOUBLINGS));
        self.refusals = self.refusals.saturating_add(1);
        pause
    }
}
