//! Whom to wake when a packet comes, and who looks after those who do not come.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Poll, Wake, Waker},
};

use crate::driver::shared::lock;

/// The waker of a subscription, whoever polls it.
///
/// The reader of a binding that has a route for itself polls the subscription when it finds nothing
/// else to read: no other task has to run between a packet and its reader. But a reader may be busy,
/// or have been dropped, and what comes must not wait for it: so once it was woken, or has left
/// something unread, the route's task looks now and then whether it has come back, and else
/// takes over.
#[derive(Default)]
pub(super) struct Watch(Mutex<State>);

#[derive(Default)]
struct State {
    /// It waits for the next packet.
    reader: Option<Waker>,
    /// How often a reader has polled.
    polls: u64,
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
    Busy,
    Away,
}

impl Watch {
    /// A reader is about to poll.
    pub(super) fn read_by(&self, reader: &Waker) {
        let mut state = lock(&self.0);
        state.polls += 1;
        state.is_readers = true;
        match &mut state.reader {
            Some(waiting) => waiting.clone_from(reader),
            None => state.reader = Some(reader.clone()),
        }
    }

    /// The task is about to poll.
    pub(super) fn drained_by_task(&self) {
        let mut state = lock(&self.0);
        state.is_readers = false;
        let reader = state.reader.take();
        drop(state);
        drop(reader);
    }

    /// The reader stopped before the end of what has come.
    pub(super) fn unread(&self) {
        let mut state = lock(&self.0);
        let reader = state.reader.take();
        let task = if state.guard { None } else { state.task.take() };
        state.guard = true;
        drop(state);
        drop(reader);
        wake(task);
    }

    /// The route has several bindings now: readers do not poll any more.
    pub(super) fn hand_back(&self) {
        if lock(&self.0).is_readers {
            self.drain();
        }
    }

    /// The task has to poll.
    pub(super) fn drain(&self) {
        let mut state = lock(&self.0);
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
        lock(&self.0).drain
    }

    async fn wait<T>(&self, mut wanted: impl FnMut(&mut State) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if let Some(found) = wanted(&mut state) {
                return Poll::Ready(found);
            }
            state.task = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// What the reader has been doing since it was `seen` to have polled so often. If it is not
    /// busy, it is guarded no more.
    pub(super) fn look(&self, seen: &mut u64) -> Reader {
        let mut state = lock(&self.0);
        let polls = std::mem::replace(seen, state.polls);
        if state.reader.is_none() && polls != state.polls {
            return Reader::Busy;
        }
        state.guard = false;
        if state.reader.is_some() { Reader::Waiting } else { Reader::Away }
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.0);
        let reader = state.reader.take();
        let calls = match reader {
            Some(_) => !std::mem::replace(&mut state.guard, true),
            None => !std::mem::replace(&mut state.drain, true),
        };
        let task = if calls { state.task.take() } else { None };
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
