use std::{fmt, sync::Arc, time::Duration};

use async_compat::Compat;
use async_nats::{Client, PublishErrorKind, SubscribeErrorKind};
use bytes::Bytes;
use conduit::transport::{Address, Token, Transport, TransportError, TransportErrorKind};

use crate::{
    Subscription,
    link::{Link, disconnected},
    subject,
};

/// How long [`close`](Transport::close) waits for the broker to process what was published.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A NATS connection as a [`Transport`].
///
/// One value serves one conduit. A clone is another transport on the same connection.
///
/// It works in any async runtime. Under tokio the connection's tasks run in the runtime that it is
/// made in, and end with it; elsewhere in a background thread.
pub struct Nats {
    link: Arc<Link>,
}

impl Nats {
    pub(crate) fn ours(client: Client) -> Self {
        Self { link: Arc::new(Link::new(client, Some(Arc::new(())))) }
    }
}

/// A transport on a client of the user's, which stays open when the transport is closed.
///
/// What async-nats doesn't show of a client cannot be checked here. A client that was made with
/// [`no_echo`](async_nats::ConnectOptions::no_echo) doesn't work: a service that sends to itself hears nothing, and
/// [`flush`](Transport::flush) waits for its own mark in vain. And its
/// [`subscription_capacity`](async_nats::ConnectOptions::subscription_capacity) is how many packets may wait
/// in a subscription before async-nats drops the newest; [`Nats::options`] has one that fits.
impl From<Client> for Nats {
    fn from(client: Client) -> Self {
        Self { link: Arc::new(Link::new(client, None)) }
    }
}

/// Another transport on the same connection, for another conduit.
impl Clone for Nats {
    fn clone(&self) -> Self {
        let link = Link::new(self.link.client.clone(), self.link.lease());
        Self { link: Arc::new(link) }
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("state", &self.link.client.connection_state())
            .field("max_packet_len", &self.link.client.max_payload())
            .field("closed", &self.link.closing.is_closed())
            .finish_non_exhaustive()
    }
}

impl Transport for Nats {
    type Subscription = Subscription;

    /// The longest payload that the server takes, as it said when the connection was made.
    fn max_packet_len(&self) -> usize {
        self.link.client.max_payload()
    }

    // Not in `Compat`: while there is a connection a publish only puts a command into a channel,
    // which needs no tokio context, and entering one for each packet would be felt.
    async fn publish(
        &self,
        to: &Address,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(publish(link, to, packet, undelivered)).await
    }

    async fn subscribe(&self, at: &Address) -> Result<Subscription, TransportError> {
        let link = &self.link;
        link.closing.unless_closed(subscribe(link, at)).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        let flushed = async {
            link.connected().await?;
            link.round_trip().await
        };
        link.closing.unless_closed(flushed).await
    }

    /// Waits until the broker has what was published, five seconds at most, and not at all while
    /// there is no connection. A connection that [`Nats::connect`] or [`Nats::connect_with`] made
    /// ends with the last of its transports.
    async fn close(&self) {
        if !self.link.closing.close() {
            return;
        }
        let last = self.link.release();
        let ended =
            Compat::new(async { tokio::time::timeout(CLOSE_LIMIT, end(&self.link, last)).await })
                .await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("closed without the broker's word on what was published");
        }
    }
}

async fn end(link: &Link, last: bool) -> Result<(), TransportError> {
    let flushed = link.round_trip().await;
    // Without a connection the command would wait for one.
    if last && link.is_connected() {
        link.client.drain().await.map_err(disconnected)?;
    }
    flushed
}

async fn publish(
    link: &Link,
    to: &Address,
    packet: Bytes,
    undelivered: Option<(&Address, Token)>,
) -> Result<(), TransportError> {
    // The server would end the connection of a client that sends more.
    if packet.len() > link.client.max_payload() {
        return Err(TransportErrorKind::TooLarge.into());
    }
    // async-nats would take some 2,000 packets without a connection and say nothing.
    link.connected().await?;
    let to = subject::publish(to);
    let reply = undelivered.and_then(|(inbox, token)| subject::notice(inbox, token));
    let published = match reply {
        Some(reply) => link.client.publish_with_reply(to, reply, packet).await,
        None => link.client.publish(to, packet).await,
    };
    published.map_err(|error| match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => TransportErrorKind::TooLarge.into(),
        PublishErrorKind::Send => disconnected(error),
        PublishErrorKind::InvalidSubject => TransportError::new(TransportErrorKind::Other, error),
    })
}

async fn subscribe(link: &Arc<Link>, at: &Address) -> Result<Subscription, TransportError> {
    let (subject, queue) = subject::subscribe(at).ok_or_else(|| {
        TransportError::new(TransportErrorKind::Other, "a subscription has one target")
    })?;
    let subscribed = match queue {
        Some(queue) => link.client.queue_subscribe(subject, queue.into()).await,
        None => link.client.subscribe(subject).await,
    };
    let subscriber = subscribed.map_err(|error| match error.kind() {
        SubscribeErrorKind::Other => disconnected(error),
        _ => TransportError::new(TransportErrorKind::Other, error),
    })?;
    Ok(match subject::marks(at) {
        Some(marks) => {
            link.set_marks(marks);
            Subscription::to_inbox(subscriber, Arc::clone(link))
        }
        None => Subscription::to_subject(subscriber, Arc::clone(link)),
    })
}
