use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use conduit::transport::{Connection, ConnectionState};
use event_listener::{Event, EventListener};

use crate::pipe::Pipe;

/// In which state a link is. It changes under the broker's lock.
pub(crate) struct Way {
    broken: AtomicU8,
    /// What the conduit is told of it.
    connection: Connection,
    mended: Event,
    /// How many packets of the connection wait until its bandwidth lets them pass.
    writing: AtomicUsize,
    /// How many no longer wait.
    passed: AtomicU64,
    written: Event,
    /// The way in, where the connection receives at a bandwidth.
    receiving: Mutex<Pipe>,
}

/// A packet that is being written; counted until this is dropped.
pub(crate) struct Writing(Arc<Way>);

impl Default for Way {
    fn default() -> Self {
        Self {
            broken: AtomicU8::new(0),
            connection: Connection::new(ConnectionState::Connected),
            mended: Event::new(),
            writing: AtomicUsize::new(0),
            passed: AtomicU64::new(0),
            written: Event::new(),
            receiving: Mutex::default(),
        }
    }
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

    /// Returns how many packets wait to be written.
    pub(crate) fn unwritten(&self) -> usize {
        self.writing.load(Ordering::SeqCst)
    }

    /// Waits until every packet that waits now has been written, in the order of their coming.
    pub(crate) async fn written(&self) {
        let all = self.passed.load(Ordering::SeqCst) + self.unwritten() as u64;
        loop {
            let written = self.written.listen();
            if self.unwritten() == 0 || self.passed.load(Ordering::SeqCst) >= all {
                return;
            }
            written.await;
        }
    }

    /// Wakes the callers of [`written`](Self::written).
    pub(crate) fn notify_written(&self) {
        self.written.notify(usize::MAX);
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Tells the conduit whether the broker knows the connection. Not under the broker's lock.
    pub(crate) fn tell(&self) {
        self.connection.note(match self.is_online() {
            true => ConnectionState::Connected,
            false => ConnectionState::Disconnected,
        });
    }

    /// Returns when the connection will have received a packet of `length` bytes after those before.
    pub(crate) fn received_at(&self, now: Instant, length: usize, bandwidth: u32) -> Instant {
        let mut receiving = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        receiving.pass(now, length, bandwidth)
    }

    /// Notes that nothing is being received any more.
    pub(crate) fn has_received(&self) {
        *self.receiving.lock().unwrap_or_else(PoisonError::into_inner) = Pipe::default();
    }

    /// Says when to look again.
    pub(crate) fn listen(&self) -> EventListener {
        self.mended.listen()
    }

    pub(crate) fn notify(&self) {
        self.mended.notify(usize::MAX);
    }
}

impl Writing {
    pub(crate) fn new(way: &Arc<Way>) -> Self {
        way.writing.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(way))
    }

    /// Ends it, and returns the connection, which has to be told without the broker's lock.
    pub(crate) fn end(self) -> Arc<Way> {
        Arc::clone(&self.0)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.passed.fetch_add(1, Ordering::SeqCst);
        self.0.writing.fetch_sub(1, Ordering::SeqCst);
    }
}
