//! Counts the messages being handled, and the outcomes of a drain.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::ground::{Ground, Stage};
use crate::Drained;
use crate::lock::lock;

pub(crate) struct Work {
    pub(super) ground: Arc<Ground>,
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
pub(crate) struct Handling(Arc<Work>);

impl Handling {
    /// Creates it for a message that was [counted](Work::count_taken).
    pub(crate) fn new(work: &Arc<Work>) -> Self {
        Self(Arc::clone(work))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handled();
    }
}

/// Counts a task that runs handlers, until they are dropped with everything they hold.
pub(crate) struct Handlers(Arc<Work>);

impl Drop for Handlers {
    fn drop(&mut self) {
        self.0.handlers.fetch_sub(1, Ordering::SeqCst);
        self.0.notify_drain();
    }
}

impl Work {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        Self {
            ground,
            taken: AtomicU64::new(0),
            given_back: AtomicU64::new(0),
            handlers: AtomicUsize::new(0),
            drained: Mutex::default(),
        }
    }

    /// Counts a task that will run handlers.
    pub(crate) fn running_handlers(self: &Arc<Self>) -> Handlers {
        self.handlers.fetch_add(1, Ordering::SeqCst);
        Handlers(Arc::clone(self))
    }

    /// Returns how many tasks run handlers.
    pub(super) fn handlers(&self) -> usize {
        self.handlers.load(Ordering::SeqCst)
    }

    /// Counts a message that is taken from its queue. Called before it is removed there, so that it
    /// is always counted in one of the two.
    pub(super) fn count_taken(&self) {
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// Reverts the counting of a message that was not taken.
    pub(super) fn count_put_back(&self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Counts messages that are taken from their queue to be given back.
    pub(super) fn begin_giving_back(&self, count: usize) {
        self.given_back.fetch_add(count as u64, Ordering::SeqCst);
    }

    /// Notes that they were handed on, or dropped.
    pub(super) fn end_giving_back(&self, count: usize) {
        self.given_back.fetch_sub(count as u64, Ordering::SeqCst);
        self.notify_drain();
    }

    /// Notes that a taken message is no longer being handled.
    pub(crate) fn handled(&self) {
        let Self { taken, drained, .. } = self;
        let stage = self.ground.lifecycle.stage();
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
        if self.ground.lifecycle.stage() > Stage::Running {
            self.ground.ended.notify(usize::MAX);
        }
    }

    /// Returns whether messages are being handled, or are being given back.
    pub(super) fn is_busy(&self) -> bool {
        self.taken.load(Ordering::SeqCst) > 0 || self.is_giving_back()
    }

    /// Returns whether a binding is giving its messages back.
    pub(super) fn is_giving_back(&self) -> bool {
        self.given_back.load(Ordering::SeqCst) > 0
    }

    /// Counts a message that was handed on to the group, by this conduit or by its sender.
    pub(super) fn count_handed_on(&self) {
        if self.ground.lifecycle.stage() > Stage::Running {
            lock(&self.drained).handed_on += 1;
        }
    }

    /// Counts a message that will not be handled.
    pub(super) fn count_aborted(&self) {
        if self.ground.lifecycle.stage() > Stage::Running {
            lock(&self.drained).aborted += 1;
        }
    }

    /// Returns the outcomes of a drain. Messages still being handled, or still being given back,
    /// count as aborted.
    pub(crate) fn drained(&self) -> Drained {
        let drained = lock(&self.drained);
        let Self { taken, given_back, .. } = self;
        let left = taken.load(Ordering::SeqCst) + given_back.load(Ordering::SeqCst);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let aborted = drained.aborted.saturating_add(left);
        Drained { aborted, ..drained.clone() }
    }
}
