use std::time::{Duration, Instant};

use super::clock::later;

/// When a group that has refused is asked again: after a pause, longer each time up to a bound, since
/// most refuse because they are busy for a moment.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    refusals: u32,
}

impl Backoff {
    /// When to ask after one more refusal. `None` where an answer, which takes `answer` or as long as
    /// the pause if that is longer, would come too late: what is asked then would not be known to have
    /// been refused.
    pub(crate) fn again(
        &mut self,
        now: Instant,
        give_up: Instant,
        answer: Duration,
    ) -> Option<Instant> {
        const FIRST: Duration = Duration::from_millis(10);
        const MOST_DOUBLINGS: u32 = 3;
        let pause = FIRST * (1 << self.refusals.min(MOST_DOUBLINGS));
        self.refusals = self.refusals.saturating_add(1);
        let again = later(now, pause);
        (later(again, answer.max(pause)) < give_up).then_some(again)
    }
}
