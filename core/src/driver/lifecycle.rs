//! Starts, drains and closes a conduit.

mod ending;
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

use super::{Logged, Seen, Shared, shared::lock};
use crate::{
    Error, ErrorKind,
    error::Causes,
    transport::{Address, DynSubscription, TransportErrorKind},
};

#[derive(Default)]
pub(super) struct Lifecycle {
    state: Mutex<State>,
    /// A copy of the stage, readable without the lock.
    stage: AtomicU8,
    /// Whether the inbox is active, readable without the lock.
    ready: AtomicBool,
    changed: Event,
}

#[derive(Default)]
struct State {
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
pub(super) enum Stage {
    #[default]
    Running,
    /// New work is refused; work in progress continues.
    Draining,
    /// Work in progress is aborted.
    Closing,
    Closed,
}

impl Lifecycle {
    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        self.stage.store(state.stage as u8, Ordering::SeqCst);
        self.ready.store(matches!(state.inbox, Inbox::Open), Ordering::Release);
        drop(state);
        self.changed.notify(usize::MAX);
    }

    /// Advances to a later stage, and returns whether it was later. Never goes back.
    fn enter(&self, stage: Stage) -> bool {
        let mut before = stage;
        self.update(|state| {
            before = state.stage;
            state.stage = before.max(stage);
        });
        before < stage
    }

    async fn wait<T>(&self, mut wanted: impl FnMut(&State) -> Option<T>) -> T {
        loop {
            let listener = self.changed.listen();
            if let Some(found) = wanted(&lock(&self.state)) {
                return found;
            }
            listener.await;
        }
    }

    async fn reached(&self, stage: Stage) {
        self.wait(|state| (state.stage >= stage).then_some(())).await;
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::SeqCst) {
            0 => Stage::Running,
            1 => Stage::Draining,
            2 => Stage::Closing,
            _ => Stage::Closed,
        }
    }
}

impl Shared {
    /// Runs the conduit, until only its end remains.
    async fn run(self: &Arc<Self>) {
        let letters = async {
            let outbox = Arc::clone(self).run_outbox();
            future::zip(outbox, Arc::clone(self).run_handing_on()).await;
        };
        let service = async {
            future::or(self.serve(), self.drain()).await;
            // First, so that no handler takes another message after being aborted. Without a drain,
            // new bindings may still be added: those end below.
            self.end_bindings();
            self.lifecycle.enter(Stage::Closing);
            self.end_bindings();
            self.end_serving();
            self.end_streams();
            self.end_requests();
            // Messages routed here before are refused, which needs the outbox.
            let is_quiet = |shared: &Self| {
                shared.routed().0 == 0
                    && shared.open_bodies() == (0, 0)
                    && !shared.is_giving_back()
                    && shared.handlers() == 0
            };
            self.until(is_quiet).await;
            self.close_outbox();
            self.close_handing_on();
        };
        let limit = async {
            self.closing().await;
            self.sleep_until(self.now() + self.config.close_timeout).await;
        };
        let all = async {
            future::zip(letters, service).await;
        };
        future::or(all, limit).await;
        let flush = async {
            if let Err(error) = self.transport.flush().await {
                self.log(Logged::NotFlushed, Seen::error(&Causes(&error)));
            }
        };
        let limit = || self.sleep_until(self.now() + self.config.close_timeout);
        future::or(flush, limit()).await;
        future::or(self.transport.close(), limit()).await;
    }

    /// Listens on the inbox and the control address. Returns when either ends, which means that the
    /// transport, or the client behind it, has ended.
    async fn serve(self: &Arc<Self>) {
        match self.open_inbox().await {
            Ok((mut inbox, mut control)) => {
                self.lifecycle.update(|state| state.inbox = Inbox::Open);
                future::or(self.listen(&mut *inbox), self.listen(&mut *control)).await;
                self.log(Logged::TransportGone, Seen::default());
            }
            Err(error) if error.kind() == ErrorKind::Closed => {
                self.log(Logged::TransportGone, Seen::error(&Causes(&error)));
            }
            Err(error) => {
                self.log(Logged::NoInbox, Seen::error(&Causes(&error)));
                self.lifecycle.update(|state| state.inbox = Inbox::Failed(Arc::new(error)));
                future::pending::<()>().await;
            }
        }
    }

    async fn open_inbox(
        &self,
    ) -> Result<(Box<dyn DynSubscription>, Box<dyn DynSubscription>), Error> {
        const PAUSE: Duration = Duration::from_millis(100);
        let inbox = self.transport.subscribe(&self.inbox).await?;
        let service = self.source.service.clone();
        let control = self.transport.subscribe(&Address::Control { service }).await?;
        loop {
            match self.transport.flush().await {
                Err(error) if error.kind() == TransportErrorKind::Disconnected => {
                    self.pause_until(self.now() + PAUSE).await;
                }
                flushed => return Ok(flushed.map(|()| (inbox, control))?),
            }
        }
    }

    /// Waits for a drain to start, then refuses new work, and waits until work in progress has
    /// ended or the limit has passed.
    async fn drain(&self) {
        self.lifecycle.reached(Stage::Draining).await;
        self.leave_all();
        let ended = self.until(|shared| {
            shared.routed().0 == 0
                && !shared.has_messages()
                && shared.serving() == 0
                && shared.asking() == 0
                && shared.open_bodies() == (0, 0)
        });
        future::or(ended, self.limit_passed()).await;
    }

    /// Waits until the limit has passed; it may become shorter meanwhile.
    async fn limit_passed(&self) {
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

    /// Waits until a condition holds. Every change that may make it true notifies `ended`.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            let ended = self.ended.listen();
            if holds(self) {
                return;
            }
            ended.await;
        }
    }

    /// Waits until the inbox is active.
    ///
    /// # Errors
    /// Why it could not be subscribed, `Closed`, or `Deadline`. No handler was executed.
    pub(crate) async fn ready(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let ready = |state: &State| match (&state.inbox, state.stage) {
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

    /// Closes the conduit, since its last handle was dropped. Handlers do not keep it open, so this
    /// is logged if any are bound.
    pub(crate) fn release(&self) {
        const NAMED: usize = 3;
        if self.check_running().is_ok() {
            let bound = self.bound_subjects();
            if !bound.is_empty() {
                tracing::info!(
                    target: "conduit::conduit",
                    service = %self.source.service,
                    instance = %self.source.instance,
                    handlers = bound.len(),
                    subjects = ?&bound[..bound.len().min(NAMED)],
                    "the last handle of a conduit was dropped: it closes, and its handlers end",
                );
            }
        }
        self.start_drain(self.config.close_timeout);
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
