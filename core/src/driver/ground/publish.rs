//! How packets are published.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_lite::future;

use super::Ground;
use crate::{
    Error, ErrorKind, Executed,
    driver::outlet::Outlet,
    transport::{Address, Destination, Token, TransportError, TransportErrorKind},
};

impl Ground {
    /// Publishes a packet, if that is possible without waiting.
    pub(crate) fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        notice: Option<Token>,
    ) -> Option<Result<(), TransportError>> {
        let undelivered = notice.map(|token| (&self.inbox, token));
        self.transport.publish_now(to, packet, undelivered)
    }

    /// Publishes a packet after everything that waits at an outlet, its own or that of other targets
    /// of its subject, waiting at most for the send timeout and until a deadline. An error tells that
    /// no handler was executed, unless the packet was handed over: then one may be, even if the
    /// connection has broken.
    pub(crate) async fn publish(
        &self,
        to: &Outlet,
        after: &Arc<Outlet>,
        packet: impl Fn() -> Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let now = if self.settle_now(after) {
            self.publish_now(to.destination(), packet(), notice)
        } else {
            None
        };
        let published = match now {
            Some(published) => published.map_err(Error::from),
            None => {
                let settled = self.settled(after);
                // Boxed: few packets wait, but every caller's future would hold its state.
                Box::pin(self.publish_after(settled, to.address(), packet(), notice, deadline))
                    .await
            }
        };
        if published.is_ok() {
            to.prove();
        }
        published
    }

    /// Publishes a packet after something else, likewise.
    pub(super) async fn publish_after(
        &self,
        settled: impl Future<Output = ()>,
        to: &Address,
        packet: Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut packet = Some(packet);
        let undelivered = notice.map(|token| (&self.inbox, token));
        let publish = async {
            settled.await;
            Ok(self.transport.publish(to, &mut packet, undelivered).await?)
        };
        let published = self.in_time(deadline, publish).await;
        published.map_err(|error| {
            let may_arrive = packet.is_none() && error.kind() != ErrorKind::Denied;
            error.with_executed(if may_arrive { Executed::Maybe } else { Executed::No })
        })
    }

    /// Waits until the broker answers, through as many lost connections as it takes.
    pub(in crate::driver) async fn reach_broker(&self) -> Result<(), TransportError> {
        const PAUSE: Duration = Duration::from_millis(100);
        loop {
            match self.transport.flush().await {
                Err(error) if error.kind() == TransportErrorKind::Disconnected => {
                    self.pause_until(self.now() + PAUSE).await;
                }
                flushed => return flushed,
            }
        }
    }

    /// Waits for the broker, at most for the send timeout and until a deadline.
    pub(in crate::driver) async fn in_time<T>(
        &self,
        deadline: Option<Instant>,
        doing: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let timeout = self.now() + self.config.send_timeout;
        let until = deadline.map_or(timeout, |deadline| deadline.min(timeout));
        let late = async {
            self.sleep_until(until).await;
            // Sleeps end early when the conduit is closed.
            Err(if self.is_closed() {
                ErrorKind::Closed.into()
            } else if deadline == Some(until) {
                ErrorKind::Deadline.into()
            } else {
                let text = format!("waited {:?} for it", self.config.send_timeout);
                Error::new(ErrorKind::Disconnected, text)
            })
        };
        future::or(doing, late).await
    }
}
