//! Whom to wake when a packet comes, and who looks after those who do not come.

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

use crate::driver::ground::lock;

/// The waker of a subscription, whoever polls it.
///
/// The reader of a binding that has a route for itself polls the subscription when it finds nothing
/// else to read: no other task has to run between a packet and its reader. But a reader may be busy or
/// slow, or have been dropped, and what comes must not wait for it: so once it was woken, or has left
/// something unread, the route's task looks now and then whether it has reached the end of what has
/// come since the last look. If not, the task hands on all that is there, and the reader goes on from
/// there. So whatever the pace of the reader, what lies unread is what came between two looks.
///
/// The reader takes no lock for a message that it finds.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    /// One of the constants of [`reader`].
    reader: AtomicU8,
    /// A reader was the last who polled.
    is_readers: AtomicBool,
    /// The task looks, or has to look, after the reader. Changes under the lock.
    is_guarded: AtomicBool,
}

/// What a reader is doing, as far as the waker is concerned.
mod reader {
    /// Nothing, or something else.
    pub(super) const AWAY: u8 = 0;
    /// It polls: it is not known yet whether it gets to the end.
    pub(super) const POLLS: u8 = 1;
    /// It waits for the next packet.
    pub(super) const WAITS: u8 = 2;
}

#[derive(Default)]
struct State {
    /// The reader that waits, or the last one that did: most come back.
    reader: Option<Waker>,
    /// A wake came while the reader polled. It may be that of a client that only wants others to
    /// run.
    woken: bool,
    /// Since the last look the reader was at the end of what had come.
    was_at_end: bool,
    task: Option<Waker>,
    /// The task has to poll.
    drain: bool,
}

/// What the task of a route has to do.
pub(super) enum Duty {
    /// Hand on what has come.
    Drain,
    /// Look whether the reader comes back.
    Guard,
}

/// What a reader is doing.
pub(super) enum Reader {
    Waiting,
    /// It has kept up since the last look.
    Busy,
    /// It has not.
    Behind,
}

impl Watch {
    /// A reader is about to poll.
    pub(super) fn begin_read(&self) {
        self.is_readers.store(true, Ordering::Relaxed);
        self.reader.store(reader::POLLS, Ordering::SeqCst);
    }

    /// The reader has polled, to the end of what has come, and waits.
    pub(super) fn read_to_end(&self, waker: &Waker) {
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

    /// The reader stopped before the end of what has come.
    pub(super) fn unread(&self) {
        self.reader.store(reader::AWAY, Ordering::Release);
        // A look that has not seen it poll has ended the guard before: see `look`.
        if self.is_guarded.load(Ordering::SeqCst) {
            return;
        }
        // Where nobody looks after it, little has come since somebody was at the end.
        let task = self.start_guard(&mut lock(&self.state));
        wake(task);
    }

    /// The task is about to poll.
    pub(super) fn drained_by_task(&self) {
        let mut state = lock(&self.state);
        state.drain = false;
        self.is_readers.store(false, Ordering::Relaxed);
        self.reader.store(reader::AWAY, Ordering::SeqCst);
        let reader = state.reader.take();
        drop(state);
        drop(reader);
    }

    /// The route has several bindings now: readers do not poll any more.
    pub(super) fn hand_back(&self) {
        if self.is_readers.load(Ordering::Relaxed) {
            self.drain();
        }
    }

    /// The task has to poll.
    pub(super) fn drain(&self) {
        let mut state = lock(&self.state);
        state.drain = true;
        let task = state.task.take();
        drop(state);
        wake(task);
    }

    /// Waits until the task has something to do.
    pub(super) async fn duty(&self) -> Duty {
        self.wait(|state| {
            if std::mem::take(&mut state.drain) {
                return Some(Duty::Drain);
            }
            self.is_guarded.load(Ordering::SeqCst).then_some(Duty::Guard)
        })
        .await
    }

    /// Waits until the task has to poll.
    pub(super) async fn drain_wanted(&self) {
        self.wait(|state| state.drain.then_some(())).await;
    }

    pub(super) fn is_wanted(&self) -> bool {
        lock(&self.state).drain
    }

    async fn wait<T>(&self, mut wanted: impl FnMut(&mut State) -> Option<T>) -> T {
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

    /// What the reader has been doing since the last look. If it is not busy, it is guarded no more.
    pub(super) fn look(&self) -> Reader {
        let mut state = lock(&self.state);
        let was_at_end = std::mem::take(&mut state.was_at_end);
        // In this order: a reader that begins to poll after it was seen to wait finds no guard, and
        // starts one.
        self.is_guarded.store(false, Ordering::SeqCst);
        let waits = self.reader.load(Ordering::SeqCst) == reader::WAITS;
        if !waits && was_at_end {
            self.is_guarded.store(true, Ordering::SeqCst);
            return Reader::Busy;
        }
        if waits { Reader::Waiting } else { Reader::Behind }
    }

    /// The reader is guarded from now on. Returns whom to wake for it.
    fn start_guard(&self, state: &mut State) -> Option<Waker> {
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
                // It was at the end until now.
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
