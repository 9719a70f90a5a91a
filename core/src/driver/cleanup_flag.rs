use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, EventListener};

/// A flag that is set while there are entries that have to be removed once they expire.
#[derive(Default)]
pub(super) struct CleanupFlag {
    is: AtomicBool,
    changed: Event,
}

impl CleanupFlag {
    /// Sets it, and notifies the listeners if it was not set.
    pub(super) fn set(&self) {
        if !self.is.swap(true, Ordering::AcqRel) {
            self.changed.notify(usize::MAX);
        }
    }

    /// Returns whether it was set, and resets it.
    pub(super) fn take(&self) -> bool {
        self.is.swap(false, Ordering::AcqRel)
    }

    /// Returns a listener for the next time it is set.
    pub(super) fn listen(&self) -> EventListener {
        self.changed.listen()
    }
}
