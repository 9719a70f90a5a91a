use std::time::Duration;

use crate::driver::tally::Counter;

/// The counters of a conduit.
#[derive(Default)]
pub(crate) struct Counters {
    /// One-way messages that a full binding dropped.
    pub(crate) lost: Counter,
    /// Messages to plain bindings lost in transit.
    pub(crate) missed: Counter,
    /// Messages that layers have refused.
    pub(crate) refused: Counter,
    /// Packets that could not be understood.
    pub(crate) invalid: Counter,
    /// Messages that were accepted and could not be sent.
    pub(crate) unsent: Counter,
    /// Notices dropped because the outbox was full.
    pub(crate) outbox_dropped: Counter,
    /// How long outgoing bodies have waited for credit.
    pub(crate) stalled: Time,
}

/// A time that adds up, in nanoseconds.
#[derive(Default)]
pub(crate) struct Time(Counter);

impl Time {
    pub(crate) fn add(&self, time: Duration) {
        self.0.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.get())
    }
}
