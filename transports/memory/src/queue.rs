use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use conduit::transport::Packet;
use event_listener::Event;

use crate::way::Way;

/// The capacity that an empty queue keeps for the next packets.
const KEPT: usize = 64;

/// The packets routed to one subscription that have not been read.
///
/// Only the broker pushes, under its lock; only the subscription pops, without it. So if the broker
/// has found room, there is still room when it pushes.
pub(crate) struct Queue {
    capacity: usize,
    /// Wakes publishers that wait at this address.
    room: Arc<Event>,
    /// The state of the subscriber's connection.
    way: Arc<Way>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    packets: VecDeque<Packet>,
    /// Packets that the connection is still receiving, after `packets`.
    arriving: VecDeque<Packet>,
    ended: bool,
    reader: Option<Waker>,
}

impl Inner {
    /// Frees the memory that a burst has taken.
    #[cold]
    fn release(&mut self) {
        self.packets = VecDeque::new();
    }
}

impl Queue {
    pub(crate) fn new(capacity: usize, room: Arc<Event>, way: Arc<Way>) -> Self {
        Self { capacity, room, way, inner: Mutex::default() }
    }

    pub(crate) fn len(&self) -> usize {
        let inner = self.lock();
        inner.packets.len() + inner.arriving.len()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_cut() || self.len() < self.capacity
    }

    /// Returns whether the broker knows the subscription.
    pub(crate) fn is_online(&self) -> bool {
        self.way.is_online()
    }

    /// Returns whether packets routed here are lost.
    pub(crate) fn is_cut(&self) -> bool {
        self.way.is_cut()
    }

    /// Adds a packet and returns the reader to wake.
    pub(crate) fn push(&self, packet: Packet) -> Option<Waker> {
        let mut inner = self.lock();
        inner.packets.push_back(packet);
        inner.reader.take()
    }

    /// Adds a packet that its connection has yet to receive. Returns when it will have.
    pub(crate) fn push_arriving(&self, packet: Packet, now: Instant, bandwidth: u32) -> Instant {
        let length = match &packet {
            Packet::Data(packet) => packet.len(),
            Packet::Undelivered(_) => 0,
        };
        self.lock().arriving.push_back(packet);
        self.way.received_at(now, length, bandwidth)
    }

    /// Notes that the first packet that was arriving has arrived, and returns the reader to wake.
    /// If it was lost meanwhile, nothing happens.
    pub(crate) fn arrived(&self) -> Option<Waker> {
        let mut inner = self.lock();
        let packet = inner.arriving.pop_front()?;
        inner.packets.push_back(packet);
        inner.reader.take()
    }

    pub(crate) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<Packet>> {
        let mut inner = self.lock();
        if let Some(packet) = inner.packets.pop_front() {
            let was_full = inner.packets.len() + inner.arriving.len() + 1 >= self.capacity;
            if inner.packets.is_empty() && inner.packets.capacity() > KEPT {
                inner.release();
            }
            drop(inner);
            if was_full {
                self.wake_publishers();
            }
            return Poll::Ready(Some(packet));
        }
        if inner.ended && inner.arriving.is_empty() {
            return Poll::Ready(None);
        }
        let previous = match &inner.reader {
            Some(reader) if reader.will_wake(cx.waker()) => None,
            _ => inner.reader.replace(cx.waker().clone()),
        };
        drop(inner);
        drop(previous);
        Poll::Pending
    }

    /// Ends the queue after the packets in it. The broker no longer routes here.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Ends the queue at once, discarding the packets in it.
    pub(crate) fn end_now(&self) {
        self.lose();
        self.end();
    }

    /// Discards the packets in the queue.
    pub(crate) fn lose(&self) {
        let mut inner = self.lock();
        let lost = (mem::take(&mut inner.packets), mem::take(&mut inner.arriving));
        drop(inner);
        drop(lost);
    }

    /// Wakes all waiting publishers. Waking one is not enough: it may wait at another full queue,
    /// and not wake the next.
    pub(crate) fn wake_publishers(&self) {
        self.room.notify(usize::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
