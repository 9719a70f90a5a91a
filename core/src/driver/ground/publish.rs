//! How packets are published.

use bytes::Bytes;
use futures_lite::future;

use std::time::Instant;

use super::Ground;
use crate::{
    Error, ErrorKind, Executed,
    transport::{Address, Destination, Token},
};

impl Ground {
    /// Publishes a packet, if that is possible without waiting.
    pub(crate) fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        notice: Option<Token>,
    ) -> Option<Result<(), Error>> {
        let undelivered = notice.map(|token| (&self.inbox, token));
        let result = self.transport.publish_now(to, packet, undelivered)?;
        Some(result.map_err(Error::from))
    }

    /// Publishes a packet, waiting at most for the send timeout and until a deadline. An error
    /// tells that no handler was executed, unless the packet was handed over: then one may be, even
    /// if the connection has broken.
    pub(crate) async fn publish(
        &self,
        to: &Destination,
        packet: impl Fn() -> Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        match self.publish_now(to, packet(), notice) {
            Some(published) => published,
            // Boxed: few packets wait, but every caller's future would hold its state.
            None => Box::pin(self.publish_later(to.address(), packet(), notice, deadline)).await,
        }
    }

    async fn publish_later(
        &self,
        to: &Address,
        packet: Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut packet = Some(packet);
        let undelivered = notice.map(|token| (&self.inbox, token));
        let publish = self.transport.publish(to, &mut packet, undelivered);
        let published = self.in_time(deadline, async { Ok(publish.await?) }).await;
        published.map_err(|error| {
            let may_arrive = packet.is_none() && error.kind() != ErrorKind::Denied;
            error.with_executed(if may_arrive { Executed::Maybe } else { Executed::No })
        })
    }

    /// Waits for the broker, at most for the send timeout and until a deadline.
    pub(super) async fn in_time<T>(
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
