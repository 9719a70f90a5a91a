use std::sync::atomic::{AtomicU64, Ordering};

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

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn take_back(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
