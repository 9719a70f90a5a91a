use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use conduit::transport::Packet;
use event_listener::Event;

use crate::way::Way;

/// So many places of an empty queue stay there for the next packets.
const KEPT: usize = 64;

/// What was routed to one subscription and has not been read.
///
/// Only the broker pushes, under its lock; only the subscription pops, without it. So where the
/// broker has found room, there still is room when it pushes.
pub(crate) struct Queue {
    capacity: usize,
    /// Tells publishers who wait at this address to look again.
    room: Arc<Event>,
    /// Between the broker and the subscriber.
    way: Arc<Way>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    packets: VecDeque<Packet>,
    ended: bool,
    reader: Option<Waker>,
}

impl Inner {
    /// A burst leaves no memory behind.
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
        self.lock().packets.len()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_cut() || self.len() < self.capacity
    }

    /// Whether the broker knows of the subscription.
    pub(crate) fn is_online(&self) -> bool {
        self.way.is_online()
    }

    /// Whether what is routed here is lost.
    pub(crate) fn is_cut(&self) -> bool {
        self.way.is_cut()
    }

    /// Adds a packet and returns the reader to wake.
    pub(crate) fn push(&self, packet: Packet) -> Option<Waker> {
        let mut inner = self.lock();
        inner.packets.push_back(packet);
        inner.reader.take()
    }

    pub(crate) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<Packet>> {
        let mut inner = self.lock();
        if let Some(packet) = inner.packets.pop_front() {
            let was_full = inner.packets.len() + 1 >= self.capacity;
            if inner.packets.is_empty() && inner.packets.capacity() > KEPT {
                inner.release();
            }
            drop(inner);
            if was_full {
                self.wake_publishers();
            }
            return Poll::Ready(Some(packet));
        }
        if inner.ended {
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

    /// Lets the reader have what is here, and then nothing. The broker no longer routes here.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Lets the reader have nothing more.
    pub(crate) fn end_now(&self) {
        self.lose();
        self.end();
    }

    /// Loses what waits.
    pub(crate) fn lose(&self) {
        let packets = mem::take(&mut self.lock().packets);
        drop(packets);
    }

    /// All of them: one that is woken may find another queue full and wait there, so it would not
    /// pass the word on.
    pub(crate) fn wake_publishers(&self) {
        self.room.notify(usize::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
