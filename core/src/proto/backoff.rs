use std::time::{Duration, Instant};

use super::clock::later;

/// The pauses after which a group that has refused is asked again. They grow up to a bound, since
/// most members refuse because they are busy for a moment.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    refusals: u32,
}

impl Backoff {
    /// Returns when to ask after one more refusal. `None` if the answer, which takes `answer` or
    /// the pause if that is longer, would come after `give_up`: it would not be known whether that
    /// attempt was refused.
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
