//! Where packets go, and the messages that wait to travel there in one packet.
//!
//! While the connection takes packets at once, nothing waits. When it does not, messages to one
//! place collect in a batch, which is published when it is complete, or when the connection has
//! taken what was handed over before. No message overtakes one that waits.

mod send_buffer;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;

pub(super) use self::send_buffer::SendBuffer;
use crate::{
    lock::lock,
    proto::frame::{BatchWriter, Single},
    transport::{Address, Destination},
};

/// How many messages travel in one packet at most. Of 16 and of 64 the server routes about as many
/// messages a second, and 16 wait for less.
const MOST: usize = 16;

/// A destination, and the messages that wait to travel there.
pub(crate) struct Outlet {
    destination: Destination,
    /// Whether a packet was accepted by the transport before. The first one goes alone, so that its
    /// sender learns whether it is denied.
    proven: AtomicBool,
    /// Whether anything waits or is being published. Set and cleared under the lock of `state`.
    waits: AtomicBool,
    /// How many callers wait until nothing waits. Meanwhile nothing is added.
    settling: AtomicUsize,
    state: Mutex<OutletState>,
}

#[derive(Default)]
struct OutletState {
    writer: BatchWriter,
    /// How many bytes of the send buffer its messages take.
    reserved: usize,
    /// The batch that is published next, since the transport could not take it at once.
    complete: Option<Batch>,
    is_publishing: bool,
    /// Whether it stands in the queue of the send buffer.
    is_queued: bool,
}

/// Messages that are published in one packet.
pub(super) struct Batch {
    pub(super) packet: Bytes,
    pub(super) count: usize,
    /// How many bytes of the send buffer they take.
    reserved: usize,
}

/// What became of a message that was to be added to a batch.
pub(super) enum Pushed {
    /// It waits. Unless it already does, the outlet has to stand in the queue of the send buffer.
    Added { is_queued: bool },
    /// It waits, and the batch is complete.
    Completed(Batch),
    /// It does not fit behind what waits: this batch goes first.
    After(Batch),
    /// It is too long for a batch, and nothing waits.
    Alone,
    /// There is no room.
    Full,
}

/// Counts a caller that waits until nothing waits at an outlet, until it is dropped.
pub(super) struct Settling<'a>(&'a Outlet);

impl Outlet {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            destination: Destination::new(address),
            proven: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            settling: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    pub(crate) fn destination(&self) -> &Destination {
        &self.destination
    }

    pub(crate) fn address(&self) -> &Address {
        self.destination.address()
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Notes that the transport accepted a packet.
    pub(super) fn prove(&self) {
        if !self.is_proven() {
            self.proven.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether anything waits or is being published, which nothing may overtake.
    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    pub(super) fn settling(&self) -> Settling<'_> {
        self.settling.fetch_add(1, Ordering::AcqRel);
        Settling(self)
    }

    /// Adds a message to a batch of at most `limit` bytes, if there is room in the buffer.
    pub(super) fn push(&self, single: &Single<'_>, limit: usize, buffer: &SendBuffer) -> Pushed {
        let length = single.len();
        let mut state = lock(&self.state);
        if self.settling.load(Ordering::Acquire) > 0 || state.complete.is_some() {
            return Pushed::Full;
        }
        let longer = state.writer.len_with(length);
        if longer > limit {
            return match state.writer.count() {
                0 if state.is_publishing => Pushed::Full,
                0 => Pushed::Alone,
                _ => state.take().map_or(Pushed::Full, Pushed::After),
            };
        }
        let is_last = state.writer.count() + 1 == MOST;
        // While another thread publishes, a complete batch would have to wait for it.
        if is_last && state.is_publishing || !buffer.reserve(length) {
            return Pushed::Full;
        }
        // The next ones are probably as long.
        state.writer.push(single, length, limit.min(MOST * longer));
        state.reserved += length;
        self.waits.store(true, Ordering::Release);
        let completed = if is_last { state.take() } else { None };
        completed.map_or(Pushed::Added { is_queued: state.is_queued }, Pushed::Completed)
    }

    /// Takes what is to be published next. Until [`published`](Self::published) or
    /// [`postponed`](Self::postponed) is called nothing else is taken.
    pub(super) fn take(&self) -> Option<Batch> {
        lock(&self.state).take()
    }

    /// Like [`take`](Self::take), for an outlet that was taken from the queue of the send buffer.
    pub(super) fn take_queued(&self) -> Option<Batch> {
        let mut state = lock(&self.state);
        state.is_queued = false;
        state.take()
    }

    /// Notes that it is about to stand in the queue of the send buffer. Returns whether it does not
    /// stand there already.
    pub(super) fn enqueue(&self) -> bool {
        !std::mem::replace(&mut lock(&self.state).is_queued, true)
    }

    /// Notes that what was taken is published, or lost. Returns whether something else waits.
    pub(super) fn published(&self) -> bool {
        let mut state = lock(&self.state);
        state.is_publishing = false;
        let waits = state.writer.count() > 0;
        self.waits.store(waits, Ordering::Release);
        waits
    }

    /// Notes that what was taken could not be published without waiting.
    pub(super) fn postponed(&self, batch: Batch) {
        let mut state = lock(&self.state);
        state.is_publishing = false;
        state.complete = Some(batch);
    }
}

impl OutletState {
    fn take(&mut self) -> Option<Batch> {
        if self.is_publishing {
            return None;
        }
        let batch = match self.complete.take() {
            Some(batch) => batch,
            None => match self.writer.count() {
                0 => return None,
                count => {
                    let reserved = std::mem::take(&mut self.reserved);
                    Batch { packet: self.writer.finish(), count, reserved }
                }
            },
        };
        self.is_publishing = true;
        Some(batch)
    }
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.0.settling.fetch_sub(1, Ordering::AcqRel);
    }
}
