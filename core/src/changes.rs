//! A value whose changes are read one by one.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use event_listener::{Event, EventListener};

use crate::lock::lock;

/// How many values are kept for readers. A slower one misses the oldest.
const KEPT: usize = 64;

/// The last values, in order.
pub(crate) struct Changes<T> {
    state: Mutex<State<T>>,
    changed: Event,
}

struct State<T> {
    /// Never empty.
    recent: VecDeque<T>,
    /// How many values there were before.
    forgotten: u64,
    closed: bool,
}

/// Reads the values, from the one that was the latest when it was made.
pub(crate) struct ChangesReader<T> {
    changes: Arc<Changes<T>>,
    next: u64,
    listener: Option<EventListener>,
}

impl<T: Clone> Changes<T> {
    pub(crate) fn new(first: T) -> Self {
        let state = State { recent: VecDeque::from([first]), forgotten: 0, closed: false };
        Self { state: Mutex::new(state), changed: Event::new() }
    }

    pub(crate) fn latest(&self) -> T {
        let state = lock(&self.state);
        state.recent[state.recent.len() - 1].clone()
    }

    /// Adds a value, unless the latest says that it changes nothing.
    pub(crate) fn note(&self, value: T, is_same: impl FnOnce(&T) -> bool) {
        let mut state = lock(&self.state);
        if state.recent.back().is_some_and(is_same) {
            return;
        }
        if state.recent.len() == KEPT {
            state.recent.pop_front();
            state.forgotten += 1;
        }
        state.recent.push_back(value);
        drop(state);
        self.changed.notify(usize::MAX);
    }

    /// Ends the readers, once they have read all.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify(usize::MAX);
    }

    pub(crate) fn reader(self: &Arc<Self>) -> ChangesReader<T> {
        let state = lock(&self.state);
        let next = state.forgotten + state.recent.len() as u64 - 1;
        drop(state);
        ChangesReader { changes: Arc::clone(self), next, listener: None }
    }
}

impl<T: Clone> ChangesReader<T> {
    /// Takes the next value; `None` once it is closed and all are read.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            if let Some(found) = self.take() {
                self.listener = None;
                return Poll::Ready(found);
            }
            match &mut self.listener {
                // A change may have come before it was made.
                None => self.listener = Some(self.changes.changed.listen()),
                Some(listener) => {
                    if Pin::new(listener).poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.listener = None;
                }
            }
        }
    }

    fn take(&mut self) -> Option<Option<T>> {
        let state = lock(&self.changes.state);
        let next = self.next.max(state.forgotten);
        let at = usize::try_from(next - state.forgotten).unwrap_or(usize::MAX);
        match state.recent.get(at) {
            Some(value) => {
                self.next = next + 1;
                Some(Some(value.clone()))
            }
            None => state.closed.then_some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, poll_fn, poll_once};

    use super::*;

    fn next(reader: &mut ChangesReader<u64>) -> Option<Option<u64>> {
        block_on(poll_once(poll_fn(|cx| reader.poll_next(cx))))
    }

    #[test]
    fn each_change_is_read_once_and_in_order() {
        let changes = Arc::new(Changes::new(0));
        let mut early = changes.reader();
        changes.note(1, |latest| *latest == 1);
        changes.note(1, |latest| *latest == 1);
        let mut late = changes.reader();
        changes.note(2, |_| false);
        assert_eq!(changes.latest(), 2);
        for expected in 0..=2 {
            assert_eq!(next(&mut early), Some(Some(expected)));
        }
        assert_eq!(next(&mut early), None);
        assert_eq!(next(&mut late), Some(Some(1)));
        changes.close();
        assert_eq!(next(&mut late), Some(Some(2)));
        assert_eq!((next(&mut late), next(&mut early)), (Some(None), Some(None)));
    }

    #[test]
    fn who_reads_too_slowly_misses_the_oldest() {
        let changes = Arc::new(Changes::new(0));
        let mut reader = changes.reader();
        for value in 1..=100 {
            changes.note(value, |_| false);
        }
        let kept = KEPT as u64;
        for expected in 101 - kept..=100 {
            assert_eq!(next(&mut reader), Some(Some(expected)));
        }
        assert_eq!(next(&mut reader), None);
    }
}
