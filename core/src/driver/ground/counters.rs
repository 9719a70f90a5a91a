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
}
