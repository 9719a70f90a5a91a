//! How many packets the client has not taken to its connection.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_nats::{Client, Statistics};

/// Compares what was given to a client with what it counts as sent. All transports on one client
/// share it.
#[derive(Debug, Clone)]
pub(crate) struct Unwritten {
    given: Arc<AtomicU64>,
    statistics: Arc<Statistics>,
}

impl Unwritten {
    pub(crate) fn new(client: &Client) -> Self {
        let statistics = client.statistics();
        let sent = statistics.out_messages.load(Ordering::Relaxed);
        Self { given: Arc::new(AtomicU64::new(sent)), statistics }
    }

    /// Counts a packet that is about to be given to the client.
    pub(crate) fn giving(&self) -> Giving<'_> {
        self.given.fetch_add(1, Ordering::Relaxed);
        Giving(self)
    }

    pub(crate) fn count(&self) -> usize {
        let sent = self.statistics.out_messages.load(Ordering::Relaxed);
        let given = self.given.load(Ordering::Relaxed);
        if given < sent {
            // The user of the client publishes too.
            self.given.fetch_max(sent, Ordering::Relaxed);
        }
        usize::try_from(given.saturating_sub(sent)).unwrap_or(usize::MAX)
    }
}

/// A packet that is being given to the client. Not counted if this is dropped.
pub(crate) struct Giving<'a>(&'a Unwritten);

impl Giving<'_> {
    /// Notes that the client has the packet.
    pub(crate) fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        self.0.given.fetch_sub(1, Ordering::Relaxed);
    }
}
