//! A clock that advances only when no task can run.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

#[derive(Debug)]
pub(crate) struct Clock(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Instant,
    next: u64,
    timers: BTreeMap<(Instant, u64), Waker>,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { now, next: 0, timers: BTreeMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.lock().now
    }

    /// Advances to the next timer and wakes it. Returns whether there was one.
    pub(crate) fn advance(&self) -> bool {
        let mut state = self.lock();
        let Some(((at, _), waker)) = state.timers.pop_first() else {
            return false;
        };
        state.now = state.now.max(at);
        drop(state);
        waker.wake();
        true
    }
}

/// Waits for an instant of a [`Clock`].
pub(crate) struct Sleep {
    clock: Arc<Clock>,
    at: Instant,
    key: Option<u64>,
}

impl Sleep {
    pub(crate) fn new(clock: Arc<Clock>, at: Instant) -> Self {
        Self { clock, at, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = Arc::clone(&self.clock);
        let mut state = clock.lock();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or(state.next);
        state.next = state.next.max(key + 1);
        state.timers.insert((self.at, key), cx.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.lock().timers.remove(&(self.at, key));
        }
    }
}
