//! Whom to wake when a packet comes, and who looks after those who do not come.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Wake, Waker},
};

use crate::driver::shared::lock;

/// The waker of a subscription, whoever polls it.
///
/// The reader of a binding that has a route for itself polls the subscription when it finds nothing
/// else to read: no other task has to run between a packet and its reader. But a reader may be busy or
/// slow, or have been dropped, and what comes must not wait for it: so once it was woken, or has left
/// something unread, the route's task looks now and then whether it has reached the end of what has
/// come since the last look. If not, the task hands on all that is there, and the reader goes on from
/// there. So whatever the pace of the reader, what lies unread is what came between two looks.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    /// The reader polls just now: it is not known yet whether it gets to the end. A wake that comes
    /// amid this may be that of a client that only wants others to run.
    is_polling: AtomicBool,
}

#[derive(Default)]
struct State {
    /// It waits for the next packet.
    reader: Option<Waker>,
    /// Since the last look the reader was at the end of what had come.
    was_at_end: bool,
    /// A reader was the last who polled.
    is_readers: bool,
    task: Option<Waker>,
    /// The task has to poll.
    drain: bool,
    /// The task looks, or has to look, after the reader.
    guard: bool,
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
    pub(super) fn read_by(&self, reader: &Waker) {
        let mut state = lock(&self.state);
        state.is_readers = true;
        self.is_polling.store(true, Ordering::Release);
        match &mut state.reader {
            Some(waiting) => waiting.clone_from(reader),
            None => state.reader = Some(reader.clone()),
        }
    }

    /// The reader has polled, to the end of what has come.
    pub(super) fn read_to_end(&self) {
        self.is_polling.store(false, Ordering::Release);
    }

    /// The task is about to poll.
    pub(super) fn drained_by_task(&self) {
        let mut state = lock(&self.state);
        state.drain = false;
        state.is_readers = false;
        let reader = state.reader.take();
        drop(state);
        drop(reader);
    }

    /// The reader stopped before the end of what has come.
    pub(super) fn unread(&self) {
        let mut state = lock(&self.state);
        let reader = state.reader.take();
        self.is_polling.store(false, Ordering::Release);
        // Where nobody looks after it, little has come since somebody was at the end.
        let task = state.start_guard();
        drop(state);
        drop(reader);
        wake(task);
    }

    /// The route has several bindings now: readers do not poll any more.
    pub(super) fn hand_back(&self) {
        if lock(&self.state).is_readers {
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
            state.guard.then_some(Duty::Guard)
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
        let waits = state.reader.is_some() && !self.is_polling.load(Ordering::Acquire);
        if !waits && (was_at_end || planted!(LeaveUnread)) {
            return Reader::Busy;
        }
        state.guard = false;
        if waits { Reader::Waiting } else { Reader::Behind }
    }
}

impl State {
    /// The reader is guarded from now on. Returns whom to wake for it.
    fn start_guard(&mut self) -> Option<Waker> {
        if std::mem::replace(&mut self.guard, true) {
            return None;
        }
        self.was_at_end = true;
        self.task.take()
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        let reader = state.reader.take();
        let task = if reader.is_some() {
            // One that waited was at the end until now.
            state.was_at_end |= !self.is_polling.load(Ordering::Acquire);
            state.start_guard()
        } else {
            state.drain = true;
            state.task.take()
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
