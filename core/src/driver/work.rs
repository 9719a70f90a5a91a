//! The messages that are handled, and what a drain makes of all that are here.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Shared, lifecycle::Stage, shared::lock};
use crate::Drained;

#[derive(Default)]
pub(crate) struct Work {
    /// How many messages somebody handles. Those that wait are where they wait.
    taken: AtomicU64,
    /// How many are being given back.
    given_back: AtomicU64,
    /// How many tasks run handlers.
    handlers: AtomicUsize,
    /// What became of those that ended since a drain began. Whoever changes both holds it.
    drained: Mutex<Drained>,
}

/// One message that somebody handles, until this is dropped.
pub(crate) struct Handling(Arc<Shared>);

impl Handling {
    /// Of one that was [counted](Shared::count_taken).
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handled();
    }
}

/// A task that runs handlers, until they and all that they hold are dropped.
pub(crate) struct Handlers(Arc<Shared>);

impl Drop for Handlers {
    fn drop(&mut self) {
        self.0.work.handlers.fetch_sub(1, Ordering::SeqCst);
        self.0.notify_drain();
    }
}

impl Shared {
    /// A task will run handlers.
    pub(crate) fn running_handlers(self: &Arc<Self>) -> Handlers {
        self.work.handlers.fetch_add(1, Ordering::SeqCst);
        Handlers(Arc::clone(self))
    }

    /// How many tasks run handlers.
    pub(super) fn handlers(&self) -> usize {
        self.work.handlers.load(Ordering::SeqCst)
    }

    /// A message is taken out of where it waited. It is counted before it is gone there, so that one
    /// of the two always has it.
    pub(super) fn count_taken(&self) {
        self.work.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// A message that was counted as taken was not.
    pub(super) fn count_put_back(&self) {
        self.work.taken.fetch_sub(1, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Messages are taken out to be given back; counted like those that are taken.
    pub(super) fn begin_giving_back(&self, count: usize) {
        self.work.given_back.fetch_add(count as u64, Ordering::SeqCst);
    }

    /// They are with somebody else, or were given up.
    pub(super) fn end_giving_back(&self, count: usize) {
        self.work.given_back.fetch_sub(count as u64, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Nobody handles a message any more that was taken.
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

    /// A message is not where it waited any more, or is not handled any more.
    pub(super) fn notify_drain(&self) {
        // Nobody waits before a drain; one that begins now sees that this one is gone, or is seen.
        if self.lifecycle.stage() > Stage::Running {
            self.ended.notify(usize::MAX);
        }
    }

    /// Whether messages wait here, are handled, or are being given back. Requests and streams that
    /// are refused are none of these: a drain looks for what is open of them after this.
    pub(super) fn has_messages(&self) -> bool {
        let is_counted = || self.work.taken.load(Ordering::SeqCst) > 0 || self.is_giving_back();
        // What waited a moment ago is counted now, so the last look comes last. The first saves a
        // look into every binding.
        is_counted() || self.has_waiting() || is_counted()
    }

    /// Whether a binding is giving its messages back.
    pub(super) fn is_giving_back(&self) -> bool {
        self.work.given_back.load(Ordering::SeqCst) > 0
    }

    /// A message was given back to the group, or its sender was told to do so.
    pub(super) fn count_handed_on(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.drained).handed_on += 1;
        }
    }

    /// A message will not be handled.
    pub(super) fn count_aborted(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.drained).aborted += 1;
        }
    }

    /// What became of the messages. Those that somebody still has were cut off, and those that are
    /// still being given back will not be.
    pub(crate) fn drained(&self) -> Drained {
        let drained = lock(&self.work.drained);
        let Work { taken, given_back, .. } = &self.work;
        let left = taken.load(Ordering::SeqCst) + given_back.load(Ordering::SeqCst);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        Drained { aborted: drained.aborted.saturating_add(left), ..*drained }
    }
}
