//! The messages that are here, waiting or taken, and what a drain makes of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::{Shared, lifecycle::Stage};
use crate::Drained;

#[derive(Default)]
pub(crate) struct Work {
    open: AtomicUsize,
    finished: AtomicUsize,
    handed_on: AtomicUsize,
    aborted: AtomicUsize,
}

/// One message that is here, until this is dropped.
pub(crate) struct Here {
    shared: Arc<Shared>,
    taken: bool,
}

impl Here {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.work.open.fetch_add(1, Ordering::SeqCst);
        Self { shared: Arc::clone(shared), taken: false }
    }

    pub(super) fn now(&self) -> Instant {
        self.shared.now()
    }

    /// Somebody handles it from now on.
    pub(crate) fn take(mut self) -> Self {
        self.taken = true;
        self
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let work = &self.shared.work;
        match self.shared.lifecycle.stage() {
            Stage::Draining if self.taken => drop(work.finished.fetch_add(1, Ordering::Relaxed)),
            Stage::Closing | Stage::Closed if self.taken => self.shared.count_aborted(),
            _ => {}
        }
        work.open.fetch_sub(1, Ordering::SeqCst);
        self.shared.ended.notify(usize::MAX);
    }
}

impl Shared {
    /// How many messages are here.
    pub(super) fn open_messages(&self) -> usize {
        self.work.open.load(Ordering::SeqCst)
    }

    /// A message was given back to the group, or its sender was told to do so.
    pub(super) fn count_handed_on(&self) {
        if self.lifecycle.stage() > Stage::Running {
            self.work.handed_on.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A message was cut off, or will not be handled.
    pub(super) fn count_aborted(&self) {
        if self.lifecycle.stage() > Stage::Running {
            self.work.aborted.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn drained(&self) -> Drained {
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        Drained {
            finished: count(&self.work.finished),
            handed_on: count(&self.work.handed_on),
            aborted: count(&self.work.aborted),
        }
    }
}
