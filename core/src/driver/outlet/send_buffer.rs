//! The messages of a conduit that wait to be published.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use event_listener::Event;

use super::{Batch, Outlet};
use crate::driver::task_queue::TaskQueue;

/// Bounds the messages that wait in all outlets of a conduit, and knows in which they do.
pub(crate) struct SendBuffer {
    /// How many bytes may wait.
    limit: usize,
    bytes: AtomicUsize,
    /// The outlets in which messages wait.
    pub(in crate::driver) queued: TaskQueue<Arc<Outlet>>,
    /// Notified when messages were published.
    pub(in crate::driver) published: Event,
}

impl SendBuffer {
    pub(in crate::driver) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: AtomicUsize::new(0),
            queued: TaskQueue::default(),
            published: Event::new(),
        }
    }

    /// Returns whether no message waits or is being published.
    pub(in crate::driver) fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Acquire) == 0
    }

    /// Reserves room for a message. Returns whether there is any.
    pub(super) fn reserve(&self, length: usize) -> bool {
        let fits = |bytes: usize| bytes.checked_add(length).filter(|bytes| *bytes <= self.limit);
        self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
    }

    /// Gives back the room of a batch that was published, or lost.
    pub(in crate::driver) fn release(&self, batch: &Batch) {
        self.bytes.fetch_sub(batch.reserved, Ordering::AcqRel);
        self.published.notify(usize::MAX);
    }

    /// Notes that messages wait in an outlet.
    pub(in crate::driver) fn queue(&self, outlet: &Arc<Outlet>) {
        if outlet.enqueue() {
            self.queued.push(Arc::clone(outlet));
        }
    }
}
