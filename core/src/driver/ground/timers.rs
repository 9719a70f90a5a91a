//! All sleeps of a conduit, with one timer of the runtime.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
    time::Instant,
};

use event_listener::Event;
use futures_lite::future;

use crate::{Runtime, lock::lock};

#[derive(Default)]
pub(crate) struct Timers {
    sleepers: Mutex<Sleepers>,
    earlier: Event,
}

#[derive(Default)]
struct Sleepers {
    next: u64,
    wakers: BTreeMap<(Instant, u64), Waker>,
    /// When the runtime's timer fires, if it is set. It may fire before any sleep is due: dropping
    /// a sleep does not reset it, so that a new sleep rarely has to set it.
    armed: Option<Instant>,
    /// Stopped: nothing wakes sleeps any more.
    stopped: bool,
}

impl Timers {
    /// Waits until an instant.
    pub(crate) fn sleep_until<'a>(&'a self, runtime: &'a dyn Runtime, at: Instant) -> Sleep<'a> {
        Sleep { timers: self, runtime, at, key: None }
    }

    /// Ends every sleep, also later ones, since nothing would wake them.
    pub(crate) fn stop(&self) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.stopped = true;
        let early = std::mem::take(&mut sleepers.wakers);
        drop(sleepers);
        early.into_values().for_each(Waker::wake);
    }

    /// Wakes sleeps when they are due, for ever.
    pub(crate) async fn run(&self, runtime: &dyn Runtime) {
        loop {
            let earlier = self.earlier.listen();
            let now = runtime.now();
            let (due, next) = {
                let mut sleepers = lock(&self.sleepers);
                let later = sleepers.wakers.split_off(&(now, u64::MAX));
                let due = std::mem::replace(&mut sleepers.wakers, later);
                let next = sleepers.wakers.keys().next().map(|(at, _)| *at);
                sleepers.armed = next;
                (due, next)
            };
            due.into_values().for_each(Waker::wake);
            match next {
                Some(at) => future::or(earlier, runtime.sleep_until(at)).await,
                None => earlier.await,
            }
        }
    }
}

pub(crate) struct Sleep<'a> {
    timers: &'a Timers,
    runtime: &'a dyn Runtime,
    at: Instant,
    key: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.runtime.now() >= self.at {
            return Poll::Ready(());
        }
        let mut sleepers = lock(&self.timers.sleepers);
        if sleepers.stopped {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or(sleepers.next);
        if self.key.is_none() {
            sleepers.next += 1;
        }
        let earlier = sleepers.armed.is_none_or(|armed| self.at < armed);
        let before = sleepers.wakers.insert((self.at, key), cx.waker().clone());
        drop(sleepers);
        // Without the lock: dropping a waker may drop a task, and that task a sleep.
        drop(before);
        self.key = Some(key);
        if earlier {
            self.timers.earlier.notify(usize::MAX);
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = lock(&self.timers.sleepers).wakers.remove(&(self.at, key));
            drop(waker);
        }
    }
}
