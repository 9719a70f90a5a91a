use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// What an item costs besides its bytes.
const OVERHEAD: usize = 64;

/// The capacity that an empty queue keeps for the next items.
const KEPT: usize = 64;

/// What was routed to one subscription and has not been read, bounded in bytes.
///
/// ```
/// use conduit_kit::{Pushed, Queue};
/// use futures_lite::future::{block_on, poll_fn};
///
/// let queue = Queue::new(1_000);
/// assert!(matches!(queue.push("a packet", 900), Pushed::Waiting(None)));
/// assert!(matches!(queue.push("another", 100), Pushed::Full));
/// queue.end();
/// assert_eq!(block_on(poll_fn(|cx| queue.poll_pop(cx))), Some("a packet"));
/// assert_eq!(block_on(poll_fn(|cx| queue.poll_pop(cx))), None);
/// ```
#[derive(Debug)]
pub struct Queue<T> {
    /// How many bytes may wait.
    limit: usize,
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    ended: bool,
    reader: Option<Waker>,
}

/// What became of an item.
#[derive(Debug)]
pub enum Pushed {
    /// It waits; the reader is to be woken.
    Waiting(Option<Waker>),
    /// There was no room for it.
    Full,
}

impl<T> Default for Inner<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0, ended: false, reader: None }
    }
}

impl<T> Queue<T> {
    /// Creates an empty queue, in which so many bytes may wait.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, inner: Mutex::default() }
    }

    /// Adds an item of so many bytes. One always fits: a limit below the longest item would never let
    /// it pass.
    pub fn push(&self, item: T, bytes: usize) -> Pushed {
        let mut inner = self.lock();
        let cost = bytes.saturating_add(OVERHEAD);
        if inner.bytes.saturating_add(cost) > self.limit && !inner.items.is_empty() {
            return Pushed::Full;
        }
        if inner.ended {
            return Pushed::Waiting(None);
        }
        inner.bytes += cost;
        inner.items.push_back((item, cost));
        Pushed::Waiting(inner.reader.take())
    }

    /// Ends the queue behind what waits. Returns the reader, to be woken.
    pub fn end(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.ended = true;
        inner.reader.take()
    }

    /// Waits for the next item; `None` at the end.
    pub fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = self.lock();
        let Some((item, cost)) = inner.items.pop_front() else {
            if inner.ended {
                return Poll::Ready(None);
            }
            match &mut inner.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        inner.bytes -= cost;
        if inner.items.is_empty() && inner.items.capacity() > KEPT {
            // Frees the memory that a burst has taken.
            inner.items = VecDeque::new();
        }
        Poll::Ready(Some(item))
    }

    /// Ends the queue, and forgets what waits.
    pub fn clear(&self) {
        *self.lock() = Inner { ended: true, ..Inner::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
