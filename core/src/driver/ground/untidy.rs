use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, EventListener};

/// Whether there are entries that will have to be removed.
#[derive(Default)]
pub(crate) struct Untidy {
    is: AtomicBool,
    changed: Event,
}

impl Untidy {
    pub(in crate::driver) fn set(&self) {
        if !self.is.swap(true, Ordering::AcqRel) {
            self.changed.notify(usize::MAX);
        }
    }

    /// Returns whether it was set, and resets it.
    pub(in crate::driver) fn take(&self) -> bool {
        self.is.swap(false, Ordering::AcqRel)
    }

    pub(in crate::driver) fn listen(&self) -> EventListener {
        self.changed.listen()
    }
}
