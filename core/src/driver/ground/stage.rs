//! The stage of a conduit: running, draining, closing or closed.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use event_listener::Event;
use futures_lite::future;

use super::Ground;
use crate::{ConduitState, Error, ErrorKind, lock::lock};

#[derive(Default)]
pub(in crate::driver) struct Lifecycle {
    state: Mutex<LifecycleState>,
    /// A copy of the stage, readable without the lock.
    stage: AtomicU8,
    /// Whether the inbox is active, readable without the lock.
    ready: AtomicBool,
    changed: Event,
}

#[derive(Default)]
struct LifecycleState {
    inbox: Inbox,
    stage: Stage,
    /// When work in progress is aborted.
    limit: Option<Instant>,
}

#[derive(Default)]
enum Inbox {
    /// It is not active yet.
    #[default]
    Starting,
    Open,
    /// It will never be active.
    Failed(Arc<Error>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::driver) enum Stage {
    #[default]
    Running,
    /// New work is refused; work in progress continues.
    Draining,
    /// Work in progress is aborted.
    Closing,
    Closed,
}

impl Lifecycle {
    fn update(&self, change: impl FnOnce(&mut LifecycleState)) {
        let mut state = lock(&self.state);
        change(&mut state);
        self.stage.store(state.stage as u8, Ordering::SeqCst);
        self.ready.store(matches!(state.inbox, Inbox::Open), Ordering::Release);
        drop(state);
        self.changed.notify(usize::MAX);
    }

    /// Advances to a later stage, and returns whether it was later. Never goes back.
    pub(in crate::driver) fn enter(&self, stage: Stage) -> bool {
        let mut before = stage;
        self.update(|state| {
            before = state.stage;
            state.stage = before.max(stage);
        });
        before < stage
    }

    // Every handler waits for it, so that it is no future within another.
    async fn wait<T>(&self, mut wanted: impl FnMut(&LifecycleState) -> Option<T>) -> T {
        loop {
            let listener = self.changed.listen();
            if let Some(found) = wanted(&lock(&self.state)) {
                return found;
            }
            listener.await;
        }
    }

    /// Waits until a stage is reached or passed.
    pub(in crate::driver) async fn reached(&self, stage: Stage) {
        self.wait(|state| (state.stage >= stage).then_some(())).await;
    }

    pub(in crate::driver) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::SeqCst) {
            0 => Stage::Running,
            1 => Stage::Draining,
            2 => Stage::Closing,
            _ => Stage::Closed,
        }
    }

    /// Notes that the inbox is active.
    pub(in crate::driver) fn opened(&self) {
        self.update(|state| state.inbox = Inbox::Open);
    }

    /// Notes that the inbox will never be active.
    pub(in crate::driver) fn failed(&self, error: Error) {
        self.update(|state| state.inbox = Inbox::Failed(Arc::new(error)));
    }
}

impl Ground {
    /// Waits until the limit has passed; it may become shorter meanwhile.
    pub(in crate::driver) async fn limit_passed(&self) {
        loop {
            let changed = self.lifecycle.changed.listen();
            let limit = lock(&self.lifecycle.state).limit;
            match limit {
                Some(limit) if self.now() >= limit => return,
                Some(limit) => future::or(changed, self.pause_until(limit)).await,
                None => changed.await,
            }
        }
    }

    /// Waits until the inbox is active.
    ///
    /// # Errors
    /// Why it could not be subscribed, `Closed`, or `Deadline`. No handler was executed.
    pub(crate) async fn ready(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let ready = |state: &LifecycleState| match (&state.inbox, state.stage) {
            (_, Stage::Closing | Stage::Closed) => Some(Err(ErrorKind::Closed.into())),
            (Inbox::Starting, _) => None,
            (Inbox::Open, _) => Some(Ok(())),
            (Inbox::Failed(error), _) => Some(Err(Error::copy_of(error))),
        };
        let now = ready(&lock(&self.lifecycle.state));
        if let Some(ready) = now {
            return ready;
        }
        // Boxed: only the first messages of a conduit wait.
        Box::pin(self.in_time(deadline, self.lifecycle.wait(ready))).await
    }

    /// Returns whether the inbox is active.
    pub(crate) fn is_ready(&self) -> bool {
        self.lifecycle.ready.load(Ordering::Acquire)
    }

    /// Checks that messages may be sent. Work in progress may still send while the conduit drains.
    ///
    /// # Errors
    /// `Closed` once nothing more is sent.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        self.check_before(Stage::Closing)
    }

    /// Checks that new work is accepted.
    ///
    /// # Errors
    /// `Closed` once it is not.
    pub(crate) fn check_running(&self) -> Result<(), Error> {
        self.check_before(Stage::Draining)
    }

    fn check_before(&self, stage: Stage) -> Result<(), Error> {
        if self.lifecycle.stage() >= stage {
            return Err(ErrorKind::Closed.into());
        }
        Ok(())
    }

    /// Returns how far the conduit is in its life.
    pub(crate) fn state(&self) -> ConduitState {
        match self.lifecycle.stage() {
            Stage::Running => ConduitState::Running,
            Stage::Draining => ConduitState::Draining,
            Stage::Closing => ConduitState::Closing,
            Stage::Closed => ConduitState::Closed,
        }
    }

    /// Returns whether the conduit is closed: the transport is closed, and sleeps end at once.
    pub(crate) fn is_closed(&self) -> bool {
        self.lifecycle.stage() == Stage::Closed
    }

    /// Starts to drain, unless already started; a second call can only shorten the limit.
    pub(crate) fn start_drain(&self, limit: Duration) {
        let limit = self.now().checked_add(limit);
        self.lifecycle.update(|state| {
            state.stage = state.stage.max(Stage::Draining);
            state.limit = state.limit.into_iter().chain(limit).min();
        });
    }

    /// Waits until work in progress is aborted.
    pub(crate) async fn closing(&self) {
        self.lifecycle.reached(Stage::Closing).await;
    }

    /// Waits until the conduit is closed.
    pub(crate) async fn closed(&self) {
        self.lifecycle.reached(Stage::Closed).await;
    }
}
