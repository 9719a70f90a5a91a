//! Starts, drains and closes a conduit.

mod ending;

use std::{sync::Arc, time::Duration};

use futures_lite::future;

use super::{Logged, Seen, Shared, ground::Stage};
use crate::{
    Error, ErrorKind,
    error::Causes,
    transport::{Address, DynSubscription, TransportErrorKind},
};

impl Shared {
    /// Runs the conduit, until only its end remains.
    async fn run(self: &Arc<Self>) {
        let letters = async {
            future::zip(self.run_outbox(), Arc::clone(self).run_handing_on()).await;
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
                self.lifecycle.opened();
                future::or(self.listen_to(&mut *inbox), self.listen_to(&mut *control)).await;
                self.log(Logged::TransportGone, Seen::default());
            }
            Err(error) if error.kind() == ErrorKind::Closed => {
                self.log(Logged::TransportGone, Seen::error(&Causes(&error)));
            }
            Err(error) => {
                self.log(Logged::NoInbox, Seen::error(&Causes(&error)));
                self.lifecycle.failed(error);
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
}
