use std::sync::atomic::{AtomicU8, Ordering};

use event_listener::{Event, EventListener};

/// In which state a link is. It changes under the broker's lock.
#[derive(Default)]
pub(crate) struct Way {
    broken: AtomicU8,
    mended: Event,
}

impl Way {
    /// The connection is broken.
    pub(crate) const DISCONNECTED: u8 = 1;
    /// The broker is stopped.
    pub(crate) const STOPPED: u8 = 2;
    /// Packets get lost.
    pub(crate) const CUT: u8 = 4;

    pub(crate) fn set(&self, broken: u8) {
        self.broken.fetch_or(broken, Ordering::SeqCst);
    }

    pub(crate) fn clear(&self, broken: u8) {
        self.broken.fetch_and(!broken, Ordering::SeqCst);
    }

    fn has(&self, broken: u8) -> bool {
        self.broken.load(Ordering::SeqCst) & broken != 0
    }

    /// Whether the broker knows the connection.
    pub(crate) fn is_online(&self) -> bool {
        !self.has(Self::DISCONNECTED | Self::STOPPED)
    }

    /// Whether packets get lost.
    pub(crate) fn is_cut(&self) -> bool {
        self.has(Self::CUT)
    }

    /// Says when to look again.
    pub(crate) fn listen(&self) -> EventListener {
        self.mended.listen()
    }

    pub(crate) fn notify(&self) {
        self.mended.notify(usize::MAX);
    }
}
