//! Wakes the reader or the task of a subscription, and checks that the reader keeps up.

#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Poll, Wake, Waker},
};

use crate::lock::lock;

/// The waker of a subscription, which is polled by a reader or by the task of the route.
///
/// If a route has only one binding, the reader of that binding polls the subscription when it has
/// no other message to read: no other task has to run between a packet and its reader. But a reader
/// may be busy, slow or dropped, and packets must not wait for it. So once the reader was woken, or
/// has left packets unread, the task checks at intervals whether the reader has reached the end of
/// the packets since the last check. If it has not, the task delivers all packets that are ready,
/// and the reader continues after them. At any pace of the reader, the unread packets are those
/// that arrived between two checks.
///
/// The reader takes no lock of this type for a message that it finds.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<WatchState>,
    /// One of the constants of [`reader`].
    reader: AtomicU8,
    /// Whether the last poll was by a reader.
    is_readers: AtomicBool,
    /// Whether the task checks, or has to check, the reader. Changes under the lock.
    is_guarded: AtomicBool,
}

/// The states of a reader, as the waker needs them.
mod reader {
    /// It does not poll or wait.
    pub(super) const AWAY: u8 = 0;
    /// It polls, and has not reached the end of the packets yet.
    pub(super) const POLLS: u8 = 1;
    /// It waits for the next packet.
    pub(super) const WAITS: u8 = 2;
}

#[derive(Default)]
struct WatchState {
    /// The waker of the reader that waits, or of the last one: most readers wait again.
    reader: Option<Waker>,
    /// Woken while the reader polled. A client may do so only to let other tasks run.
    woken: bool,
    /// Whether the reader has reached the end of the packets since the last check.
    was_at_end: bool,
    task: Option<Waker>,
    /// Whether the task has to poll.
    drain: bool,
}

/// A duty of the task of a route.
pub(super) enum Duty {
    /// Deliver the packets that are ready.
    Drain,
    /// Check that the reader keeps up.
    Guard,
}

/// The result of a check of the reader.
pub(super) enum ReaderProgress {
    Waiting,
    /// It has kept up since the last check.
    Busy,
    /// It has not kept up.
    Behind,
}

impl Watch {
    /// Notes that a reader is about to poll.
    pub(in crate::driver) fn begin_read(&self) {
        self.is_readers.store(true, Ordering::Relaxed);
        self.reader.store(reader::POLLS, Ordering::SeqCst);
    }

    /// Notes that the reader has polled to the end of the packets, and waits.
    pub(in crate::driver) fn read_to_end(&self, waker: &Waker) {
        let mut state = lock(&self.state);
        if std::mem::take(&mut state.woken) {
            self.reader.store(reader::AWAY, Ordering::SeqCst);
            let task = self.start_guard(&mut state);
            drop(state);
            waker.wake_by_ref();
            return wake(task);
        }
        self.reader.store(reader::WAITS, Ordering::SeqCst);
        match &mut state.reader {
            Some(waiting) => waiting.clone_from(waker),
            None => state.reader = Some(waker.clone()),
        }
    }

    /// Notes that the reader has stopped before the end of the packets.
    pub(in crate::driver) fn unread(&self) {
        self.reader.store(reader::AWAY, Ordering::Release);
        // A check that did not see this poll has cleared the flag before this load: see `look`.
        if self.is_guarded.load(Ordering::SeqCst) {
            return;
        }
        // No check was running, so few packets have arrived since the last poll to the end.
        let task = self.start_guard(&mut lock(&self.state));
        wake(task);
    }

    /// Notes that the task is about to poll.
    pub(in crate::driver) fn drained_by_task(&self) {
        let mut state = lock(&self.state);
        state.drain = false;
        self.is_readers.store(false, Ordering::Relaxed);
        self.reader.store(reader::AWAY, Ordering::SeqCst);
        let reader = state.reader.take();
        drop(state);
        drop(reader);
    }

    /// Lets the task poll instead of readers: the route has several bindings, or its reader will be
    /// away for long.
    pub(in crate::driver) fn hand_back(&self) {
        if self.is_readers.load(Ordering::Relaxed) {
            self.drain();
        }
    }

    /// Makes the task poll.
    pub(in crate::driver) fn drain(&self) {
        let mut state = lock(&self.state);
        state.drain = true;
        let task = state.task.take();
        drop(state);
        wake(task);
    }

    /// Waits for the next duty of the task.
    pub(in crate::driver) async fn duty(&self) -> Duty {
        self.wait(|state| {
            if std::mem::take(&mut state.drain) {
                return Some(Duty::Drain);
            }
            self.is_guarded.load(Ordering::SeqCst).then_some(Duty::Guard)
        })
        .await
    }

    /// Waits until the task has to poll.
    pub(in crate::driver) async fn drain_wanted(&self) {
        self.wait(|state| state.drain.then_some(())).await;
    }

    pub(in crate::driver) fn is_wanted(&self) -> bool {
        lock(&self.state).drain
    }

    async fn wait<T>(&self, mut wanted: impl FnMut(&mut WatchState) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            if let Some(found) = wanted(&mut state) {
                return Poll::Ready(found);
            }
            state.task = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Checks the reader's progress since the last check. Unless it is busy, ends the checks.
    pub(in crate::driver) fn look(&self) -> ReaderProgress {
        let mut state = lock(&self.state);
        let was_at_end = std::mem::take(&mut state.was_at_end);
        // In this order: if a reader is seen waiting and then polls, it finds the flag cleared, and
        // starts the checks again.
        self.is_guarded.store(false, Ordering::SeqCst);
        let waits = self.reader.load(Ordering::SeqCst) == reader::WAITS;
        if !waits && was_at_end {
            self.is_guarded.store(true, Ordering::SeqCst);
            return ReaderProgress::Busy;
        }
        if waits { ReaderProgress::Waiting } else { ReaderProgress::Behind }
    }

    /// Starts the checks of the reader. Returns the waker of the task, if it has to be woken.
    fn start_guard(&self, state: &mut WatchState) -> Option<Waker> {
        if self.is_guarded.swap(true, Ordering::SeqCst) {
            return None;
        }
        state.was_at_end = true;
        state.task.take()
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        let (reader, task) = match self.reader.load(Ordering::SeqCst) {
            reader::POLLS => {
                state.woken = true;
                (None, None)
            }
            reader::WAITS => {
                self.reader.store(reader::AWAY, Ordering::SeqCst);
                // It was at the end of the packets until now.
                state.was_at_end = true;
                (state.reader.clone(), self.start_guard(&mut state))
            }
            _ => {
                state.drain = true;
                (None, state.task.take())
            }
        };
        drop(state);
        wake(reader);
        wake(task);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
