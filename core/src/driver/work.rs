//! The messages that are here, waiting or taken, and what a drain makes of them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{Shared, lifecycle::Stage, shared::lock};
use crate::Drained;

#[derive(Default)]
pub(crate) struct Work {
    /// How many are here, and in the upper half how many of these somebody handles: one number, since
    /// it is counted for every message.
    here: AtomicU64,
    /// What became of those that ended since a drain began. Whoever changes both holds it.
    drained: Mutex<Drained>,
}

const OPEN: u64 = 1;
const TAKEN: u64 = 1 << 32;

/// One message that is here, until this is dropped.
pub(crate) struct Here {
    shared: Arc<Shared>,
    taken: bool,
}

impl Here {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.work.here.fetch_add(OPEN, Ordering::SeqCst);
        Self { shared: Arc::clone(shared), taken: false }
    }

    pub(super) fn now(&self) -> Instant {
        self.shared.now()
    }

    /// Somebody handles it from now on.
    pub(crate) fn take(&mut self) {
        self.shared.work.here.fetch_add(TAKEN, Ordering::SeqCst);
        self.taken = true;
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let Work { here, drained } = &self.shared.work;
        let counted = if self.taken { OPEN + TAKEN } else { OPEN };
        match self.shared.lifecycle.stage() {
            stage if stage > Stage::Running && self.taken => {
                let mut drained = lock(drained);
                match stage {
                    Stage::Draining => drained.finished += 1,
                    _ => drained.aborted += 1,
                }
                here.fetch_sub(counted, Ordering::SeqCst);
            }
            _ => drop(here.fetch_sub(counted, Ordering::SeqCst)),
        }
        // Nobody waits before a drain; one that begins now sees that this one is gone, or is seen.
        if self.shared.lifecycle.stage() > Stage::Running {
            self.shared.ended.notify(usize::MAX);
        }
    }
}

impl Shared {
    /// How many messages are here.
    pub(super) fn open_messages(&self) -> u64 {
        self.work.here.load(Ordering::SeqCst) % TAKEN
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

    /// What became of the messages. Those that somebody still has were cut off.
    pub(crate) fn drained(&self) -> Drained {
        let drained = lock(&self.work.drained);
        let taken = self.work.here.load(Ordering::SeqCst) / TAKEN;
        let taken = usize::try_from(taken).unwrap_or(usize::MAX);
        Drained { aborted: drained.aborted.saturating_add(taken), ..*drained }
    }
}
