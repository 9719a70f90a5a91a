//! How a conduit starts and ends.

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use event_listener::Event;
use futures_lite::future;

use super::{Shared, shared::lock};
use crate::{
    Error, ErrorKind,
    transport::{Address, DynSubscription, TransportErrorKind},
};

#[derive(Default)]
pub(super) struct Lifecycle {
    phase: Mutex<Phase>,
    changed: Event,
}

#[derive(Clone, Default)]
enum Phase {
    /// The inbox is not in force.
    #[default]
    Starting,
    Open,
    /// The inbox will never be in force.
    Failed(Arc<Error>),
    Closing,
    Closed,
}

impl Phase {
    fn rank(&self) -> u8 {
        match self {
            Self::Starting => 0,
            Self::Open | Self::Failed(_) => 1,
            Self::Closing => 2,
            Self::Closed => 3,
        }
    }
}

impl Lifecycle {
    /// Goes on to a later phase. One that was left does not come back.
    fn enter(&self, phase: Phase) {
        let mut current = lock(&self.phase);
        if phase.rank() > current.rank() {
            *current = phase;
        }
        drop(current);
        self.changed.notify(usize::MAX);
    }

    async fn wait<T>(&self, mut wanted: impl FnMut(&Phase) -> Option<T>) -> T {
        loop {
            let listener = self.changed.listen();
            if let Some(found) = wanted(&lock(&self.phase)) {
                return found;
            }
            listener.await;
        }
    }
}

impl Shared {
    pub(super) fn launch(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            future::or(shared.timers.run(&*shared.runtime), shared.closed()).await;
            shared.timers.stop();
        });
        self.tasks.spawn(Arc::clone(self).run());
    }

    /// The life of a conduit.
    async fn run(self: Arc<Self>) {
        let letters = Arc::clone(&self).run_outbox();
        let service = async {
            future::or(self.serve(), self.closing()).await;
            self.end_bindings();
            self.end_serving();
            self.end_streams();
            self.end_requests();
            // What was routed here before is refused, which takes the outbox.
            self.routes_gone().await;
            self.streams_ended().await;
            self.close_outbox();
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
                tracing::debug!(%error, "the last packets may not have reached the broker");
            }
        };
        let limit = || self.sleep_until(self.now() + self.config.close_timeout);
        future::or(flush, limit()).await;
        future::or(self.transport.close(), limit()).await;
        self.lifecycle.enter(Phase::Closed);
        self.tasks.close();
    }

    /// Listens on the inbox and the control address. It ends only when the transport does.
    async fn serve(self: &Arc<Self>) {
        match self.open_inbox().await {
            Ok((mut inbox, mut control)) => {
                self.lifecycle.enter(Phase::Open);
                future::zip(self.listen(&mut *inbox), self.listen(&mut *control)).await;
            }
            Err(error) => {
                tracing::error!(%error, "the inbox of this instance could not be subscribed");
                self.lifecycle.enter(Phase::Failed(Arc::new(error)));
            }
        }
        self.closing().await;
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
                    self.sleep_until(self.now() + PAUSE).await;
                }
                flushed => return Ok(flushed.map(|()| (inbox, control))?),
            }
        }
    }

    /// Returns once the inbox is in force.
    ///
    /// # Errors
    /// Why it is not, or `Closed`.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        let ready = self.lifecycle.wait(|phase| match phase {
            Phase::Starting => None,
            Phase::Open => Some(Ok(())),
            Phase::Failed(error) => Some(Err(Error::copy_of(error))),
            Phase::Closing | Phase::Closed => Some(Err(ErrorKind::Closed.into())),
        });
        if matches!(*lock(&self.lifecycle.phase), Phase::Open) {
            return Ok(());
        }
        let give_up = async {
            self.sleep_until(self.now() + self.config.send_timeout).await;
            Err(Error::new(ErrorKind::Disconnected, "the broker did not answer in time"))
        };
        future::or(ready, give_up).await
    }

    /// # Errors
    /// `Closed` once the conduit closes.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match *lock(&self.lifecycle.phase) {
            Phase::Closing | Phase::Closed => Err(ErrorKind::Closed.into()),
            _ => Ok(()),
        }
    }

    /// Whether nothing runs any more: there is no transport, and sleeps end at once.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*lock(&self.lifecycle.phase), Phase::Closed)
    }

    /// Begins to close, if nobody has.
    pub(crate) fn start_close(&self) {
        self.lifecycle.enter(Phase::Closing);
    }

    /// Waits until somebody closes the conduit.
    pub(crate) async fn closing(&self) {
        self.lifecycle
            .wait(|phase| matches!(phase, Phase::Closing | Phase::Closed).then_some(()))
            .await;
    }

    /// Waits until the conduit is closed.
    pub(crate) async fn closed(&self) {
        self.lifecycle.wait(|phase| matches!(phase, Phase::Closed).then_some(())).await;
    }
}
