//! Sends notices in the background: refusals, cancellations, failures.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{EventFields, Ground, Logged};
use crate::{
    error::Causes,
    lock::lock,
    proto::frame::{Frame, Single},
    transport::{Address, Token, TransportError},
};

/// The notices that wait to be published. It frees unused memory.
pub(crate) struct Outbox {
    capacity: usize,
    state: Mutex<OutboxState>,
}

#[derive(Default)]
struct OutboxState {
    entries: VecDeque<OutboxEntry>,
    closed: bool,
    publisher: Option<Waker>,
}

struct OutboxEntry {
    to: Address,
    packet: Bytes,
    notice: Option<Token>,
}

/// Why a packet is not accepted.
enum PushError {
    Full,
    Closed,
}

impl Outbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    fn push(&self, entry: OutboxEntry) -> Result<(), PushError> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(PushError::Closed);
        }
        if state.entries.len() >= self.capacity {
            return Err(PushError::Full);
        }
        state.entries.push_back(entry);
        let publisher = state.publisher.take();
        drop(state);
        if let Some(publisher) = publisher {
            publisher.wake();
        }
        Ok(())
    }

    /// Returns the next notice; `None` once it is closed and empty.
    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<OutboxEntry>> {
        let mut state = lock(&self.state);
        if let Some(entry) = state.entries.pop_front() {
            if state.entries.is_empty() {
                release(&mut state.entries);
            }
            return Poll::Ready(Some(entry));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.publisher = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Accepts no more notices.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let publisher = state.publisher.take();
        drop(state);
        if let Some(publisher) = publisher {
            publisher.wake();
        }
    }

    /// Accepts no more notices, and drops the waiting ones.
    fn clear(&self) {
        self.close();
        let entries = std::mem::take(&mut lock(&self.state).entries);
        drop(entries);
    }
}

/// Frees the memory that a burst has taken.
fn release(entries: &mut VecDeque<OutboxEntry>) {
    const KEPT: usize = 64;
    if entries.capacity() > KEPT {
        *entries = VecDeque::new();
    }
}

impl Ground {
    /// Sends a packet in the background. If too many are waiting it is dropped, and the peer has to
    /// find out by a timeout.
    pub(crate) fn post(&self, to: Address, frame: &Frame) {
        self.post_packet(to, frame.encode(), None);
    }

    pub(crate) fn post_packet(&self, to: Address, packet: Bytes, notice: Option<Token>) {
        // A closed outbox means that the conduit is closing: not counted.
        if let Err(PushError::Full) = self.outbox.push(OutboxEntry { to, packet, notice }) {
            self.counters.outbox_dropped.add(1);
            self.log(Logged::OutboxFull, EventFields::default());
        }
    }

    /// Publishes notices, until the conduit closes and all of them are sent.
    pub(crate) async fn run_outbox(&self) {
        let next = || poll_fn(|cx| self.outbox.poll_next(cx));
        while let Some(OutboxEntry { to, packet, notice }) = next().await {
            if let Err(error) = self.send_notice(&to, packet, notice).await {
                self.note_not_sent(&to, &error);
            }
        }
    }

    async fn send_notice(
        &self,
        to: &Address,
        packet: Bytes,
        notice: Option<Token>,
    ) -> Result<(), TransportError> {
        if notice.is_none()
            && let Some(single) = Single::encoded(&packet)
            && let Some(sent) = self.send_to_inbox_now(&self.destinations.get(to), &single)
        {
            return sent;
        }
        let undelivered = notice.map(|token| (&self.inbox, token));
        self.transport.publish(to, &mut Some(packet), undelivered).await
    }

    /// Logs that a packet could not be published in the background.
    pub(in crate::driver) fn note_not_sent(&self, to: &Address, error: &TransportError) {
        let error = format_args!("{to:?}: {}", Causes(error));
        self.log(Logged::NotSent, EventFields::error(&error));
    }

    /// Accepts no more packets.
    pub(crate) fn close_outbox(&self) {
        self.outbox.close();
    }

    /// Accepts no more packets, and drops the waiting ones.
    pub(in crate::driver) fn clear_outbox(&self) {
        self.outbox.clear();
    }
}
