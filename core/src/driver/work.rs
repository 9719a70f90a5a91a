//! The messages that are here, waiting or taken, and what a drain makes of them.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{Shared, lifecycle::Stage, shared::lock};
use crate::Drained;

#[derive(Default)]
pub(crate) struct Work(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// How many are here, and how many of these somebody handles.
    open: usize,
    taken: usize,
    drained: Drained,
}

/// One message that is here, until this is dropped.
pub(crate) struct Here {
    shared: Arc<Shared>,
    taken: bool,
}

impl Here {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        lock(&shared.work.0).open += 1;
        Self { shared: Arc::clone(shared), taken: false }
    }

    pub(super) fn now(&self) -> Instant {
        self.shared.now()
    }

    /// Somebody handles it from now on.
    pub(crate) fn take(mut self) -> Self {
        lock(&self.shared.work.0).taken += 1;
        self.taken = true;
        self
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let stage = self.shared.lifecycle.stage();
        let mut counts = lock(&self.shared.work.0);
        counts.open -= 1;
        if self.taken {
            counts.taken -= 1;
            match stage {
                Stage::Running => {}
                Stage::Draining => counts.drained.finished += 1,
                Stage::Closing | Stage::Closed => counts.drained.aborted += 1,
            }
        }
        drop(counts);
        self.shared.ended.notify(usize::MAX);
    }
}

impl Shared {
    /// How many messages are here.
    pub(super) fn open_messages(&self) -> usize {
        lock(&self.work.0).open
    }

    /// A message was given back to the group, or its sender was told to do so.
    pub(super) fn count_handed_on(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.0).drained.handed_on += 1;
        }
    }

    /// A message will not be handled.
    pub(super) fn count_aborted(&self) {
        if self.lifecycle.stage() > Stage::Running {
            lock(&self.work.0).drained.aborted += 1;
        }
    }

    /// What became of the messages. Those that somebody still has were cut off.
    pub(crate) fn drained(&self) -> Drained {
        let counts = lock(&self.work.0);
        Drained { aborted: counts.drained.aborted + counts.taken, ..counts.drained }
    }
}
