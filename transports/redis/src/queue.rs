use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use conduit::transport::Packet;

/// What a packet costs besides its bytes.
const OVERHEAD: usize = 64;

/// The capacity that an empty queue keeps for the next packets.
const KEPT: usize = 64;

/// The packets that were routed to one subscription and have not been read.
#[derive(Debug)]
pub(crate) struct Queue {
    /// How many bytes may wait.
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    packets: VecDeque<Packet>,
    bytes: usize,
    ended: bool,
    reader: Option<Waker>,
}

/// What became of a packet.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It waits; the reader is to be woken.
    Waiting(Option<Waker>),
    /// There was no room for it.
    Full,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, inner: Mutex::default() }
    }

    pub(crate) fn push(&self, packet: Packet) -> Pushed {
        let mut inner = self.lock();
        let cost = cost(&packet);
        // One packet always fits: a limit below the longest packet would never let it pass.
        if inner.bytes + cost > self.limit && !inner.packets.is_empty() {
            return Pushed::Full;
        }
        if inner.ended {
            return Pushed::Waiting(None);
        }
        inner.bytes += cost;
        inner.packets.push_back(packet);
        Pushed::Waiting(inner.reader.take())
    }

    /// Ends the queue behind what waits. Returns whom to wake.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.ended = true;
        inner.reader.take()
    }

    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        let mut inner = self.lock();
        let Some(packet) = inner.packets.pop_front() else {
            if inner.ended {
                return Poll::Ready(None);
            }
            match &mut inner.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        inner.bytes -= cost(&packet);
        if inner.packets.is_empty() && inner.packets.capacity() > KEPT {
            // Frees the memory that a burst has taken.
            inner.packets = VecDeque::new();
        }
        Poll::Ready(Some(packet))
    }

    /// Forgets what waits.
    pub(crate) fn clear(&self) {
        *self.lock() = Inner { ended: true, ..Inner::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(packet: &Packet) -> usize {
    match packet {
        Packet::Data(bytes) => bytes.len() + OVERHEAD,
        Packet::Undelivered(_) => OVERHEAD,
    }
}
