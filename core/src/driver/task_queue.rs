//! A queue that one task empties.

use std::{
    collections::VecDeque,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use crate::lock::lock;

/// Entries for one task, in the order in which they came. It frees the memory that a burst took.
pub(super) struct TaskQueue<T>(Mutex<QueueState<T>>);

struct QueueState<T> {
    entries: VecDeque<T>,
    closed: bool,
    task: Option<Waker>,
}

/// Why an entry is not accepted.
pub(super) enum PushError {
    Full,
    Closed,
}

impl<T> Default for TaskQueue<T> {
    fn default() -> Self {
        Self(Mutex::new(QueueState { entries: VecDeque::new(), closed: false, task: None }))
    }
}

impl<T> TaskQueue<T> {
    /// Adds an entry, unless there are as many as there may be, or the queue is closed.
    pub(super) fn try_push(&self, entry: T, most: usize) -> Result<(), PushError> {
        self.change(|state| {
            if state.closed {
                return Err(PushError::Closed);
            }
            if state.entries.len() >= most {
                return Err(PushError::Full);
            }
            state.entries.push_back(entry);
            Ok(())
        })
    }

    /// Adds an entry, even to a closed queue.
    pub(super) fn push(&self, entry: T) {
        self.change(|state| state.entries.push_back(entry));
    }

    /// Ends the queue once it is empty.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Changes the queue, and wakes its task.
    fn change<R>(&self, change: impl FnOnce(&mut QueueState<T>) -> R) -> R {
        let mut state = lock(&self.0);
        let result = change(&mut state);
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        result
    }

    /// Returns the next entry; `None` once it is closed and empty.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.0);
        if let Some(entry) = state.entries.pop_front() {
            if state.entries.is_empty() {
                release(&mut state.entries);
            }
            return Poll::Ready(Some(entry));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.task = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes all entries.
    pub(super) fn take_all(&self) -> VecDeque<T> {
        std::mem::take(&mut lock(&self.0).entries)
    }
}

/// Frees the memory that a burst has taken.
fn release<T>(entries: &mut VecDeque<T>) {
    const KEPT: usize = 64;
    if entries.capacity() > KEPT {
        *entries = VecDeque::new();
    }
}
