//! The messages of a conduit that wait to be published.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use event_listener::Event;

use super::{Batch, Outlet};
use crate::lock::lock;

/// Bounds the messages that wait in all outlets of a conduit, and knows in which they do.
pub(crate) struct SendBuffer {
    /// How many bytes may wait.
    limit: usize,
    bytes: AtomicUsize,
    state: Mutex<QueueState>,
    /// Notified when messages were published.
    pub(in crate::driver) published: Event,
}

#[derive(Default)]
struct QueueState {
    outlets: VecDeque<Arc<Outlet>>,
    closed: bool,
    publisher: Option<Waker>,
}

impl SendBuffer {
    pub(in crate::driver) fn new(limit: usize) -> Self {
        Self { limit, bytes: AtomicUsize::new(0), state: Mutex::default(), published: Event::new() }
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
        if !outlet.enqueue() {
            return;
        }
        let mut state = lock(&self.state);
        state.outlets.push_back(Arc::clone(outlet));
        let publisher = state.publisher.take();
        drop(state);
        if let Some(publisher) = publisher {
            publisher.wake();
        }
    }

    /// Takes all outlets in which messages wait.
    pub(in crate::driver) fn take_queued(&self) -> VecDeque<Arc<Outlet>> {
        std::mem::take(&mut lock(&self.state).outlets)
    }

    /// Takes all outlets in which messages wait; `None` once it is closed and there are none.
    pub(in crate::driver) fn poll_queued(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Option<VecDeque<Arc<Outlet>>>> {
        let mut state = lock(&self.state);
        if !state.outlets.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut state.outlets)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.publisher = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends [`poll_queued`](Self::poll_queued) once there is nothing left.
    pub(in crate::driver) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let publisher = state.publisher.take();
        drop(state);
        if let Some(publisher) = publisher {
            publisher.wake();
        }
    }
}
