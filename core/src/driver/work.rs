//! Counts the messages being handled, and the outcomes of a drain.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Shared, ground::Stage, ground::lock};
use crate::Drained;

#[derive(Default)]
pub(crate) struct Work {
    /// How many messages are being handled. Waiting messages are counted by their queues.
    taken: AtomicU64,
    /// How many are being given back.
    given_back: AtomicU64,
    /// How many tasks run handlers.
    handlers: AtomicUsize,
    /// The outcomes since a drain began. Locked while it and another counter change together.
    drained: Mutex<Drained>,
}

/// One message being handled, until this is dropped.
pub(crate) struct Handling(Arc<Shared>);

impl Handling {
    /// Creates it for a message that was [counted](Shared::count_taken).
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handled();
    }
}

/// Counts a task that runs handlers, until they are dropped with everything they hold.
pub(crate) struct Handlers(Arc<Shared>);

impl Drop for Handlers {
    fn drop(&mut self) {
        self.0.work.handlers.fetch_sub(1, Ordering::SeqCst);
        self.0.notify_drain();
    }
}

impl Shared {
    /// Counts a task that will run handlers.
    pub(crate) fn running_handlers(self: &Arc<Self>) -> Handlers {
        self.work.handlers.fetch_add(1, Ordering::SeqCst);
        Handlers(Arc::clone(self))
    }

    /// Returns how many tasks run handlers.
    pub(super) fn handlers(&self) -> usize {
        self.work.handlers.load(Ordering::SeqCst)
    }

    /// Counts a message that is taken from its queue. Called before it is removed there, so that it
    /// is always counted in one of the two.
    pub(super) fn count_taken(&self) {
        self.work.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// Reverts the counting of a message that was not taken.
    pub(super) fn count_put_back(&self) {
        self.work.taken.fetch_sub(1, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Counts messages that are taken from their queue to be given back.
    pub(super) fn begin_giving_back(&self, count: usize) {
        self.work.given_back.fetch_add(count as u64, Ordering::SeqCst);
    }

    /// Notes that they were handed on, or dropped.
    pub(super) fn end_giving_back(&self, count: usize) {
        self.work.given_back.fetch_sub(count as u64, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Notes that a taken message is no longer being handled.
    pub(crate) fn handled(&self) {
        let Work { taken, drained, .. } = &self.work;
        let stage = self.lifecycle.stage();
        let counted = (stage > Stage::Running).then(|| {
            let mut drained = lock(drained);
            match stage {
                Stage::Draining => drained.finished += 1,
                _ => drained.aborted += 1,
            }
            drained
        });
        taken.fetch_sub(1, Ordering::SeqCst);
        drop(counted);
        self.notify_drain();
    }

    /// Notifies a drain that a message has left its queue, or is no longer being handled.
    pub(super) fn notify_drain(&self) {
        // Nothing waits before a drain. If one begins now, either it sees the new count, or this
        // sees its stage.
        if self.lifecycle.stage() > Stage::Running {
            self.ended.notify(usize::MAX);
        }
    }

    /// Returns whether messages wait, are being handled, or are being given back. Refused requests
    /// and streams do not count: a drain checks for open ones after this.
    pub(super) fn has_messages(&self) -> bool {
        let is_counted = || self.work.taken.load(Ordering::SeqCst) > 0 || self.is_giving_back();
        // A message that waited a moment ago may be counted by now, so the counters are checked
        // last. Checking them first saves looking into every binding.
        is_counted() || self.has_waiting() || is_counted()
    }

    /// Returns whether a binding is giving its messages back.
    pub(super) fn is_giving_back(&self) -> bool {
        self.work.given_back.load(Ordering::SeqCst) > 0
    }

    /// Counts a message that was handed on to the group, by this conduit or by its sender.
    pub(super) fn count_handed_on(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.drained).handed_on += 1;
        }
    }

    /// Counts a message that will not be handled.
    pub(super) fn count_aborted(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.drained).aborted += 1;
        }
    }

    /// Returns the outcomes of a drain. Messages still being handled, or still being given back,
    /// count as aborted.
    pub(crate) fn drained(&self) -> Drained {
        let drained = lock(&self.work.drained);
        let Work { taken, given_back, .. } = &self.work;
        let left = taken.load(Ordering::SeqCst) + given_back.load(Ordering::SeqCst);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        Drained { aborted: drained.aborted.saturating_add(left), ..*drained }
    }
}
