use std::{
    fmt,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_compat::Compat;
use async_nats::{Client, SubscribeErrorKind};
use bytes::Bytes;
use conduit::Task;
use conduit::transport::{
    Address, Connection, Destination, Introduction, MIN_PACKET_LEN, Token, Transport,
    TransportError, TransportErrorKind,
};

use crate::{
    Events, Subscription,
    link::{Link, ended, unusable},
    publish::{check_length, give, hand_over},
    services,
    subject::Root,
    unwritten::Unwritten,
};

/// How long [`close`](Transport::close) waits for the broker to process what was published.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A NATS connection as a [`Transport`].
///
/// One value serves one conduit. A clone is another transport on the same connection.
///
/// It works in any async runtime. Under tokio the connection's tasks run in the runtime that it is
/// made in, and end with it; elsewhere in a background thread. A conduit whose connection has ended
/// for good (that runtime is gone, the client was drained, its attempts to connect are used up) is
/// closed.
pub struct Nats {
    pub(crate) link: Arc<Link>,
    /// Whether the tools of NATS see the conduit.
    pub(crate) is_service: bool,
}

impl Nats {
    /// Lets the conduit answer NATS's own questions for services (`$SRV.PING`, `$SRV.INFO` and
    /// `$SRV.STATS`, [ADR-32]), so that `nats service ls`, `info`, `stats` and `ping` see it. It is
    /// then seen by everyone who may publish to `$SRV.>`.
    ///
    /// It needs the permission to subscribe to `$SRV.>` and to publish to the inboxes of the tools that
    /// ask, `_INBOX.>` as a rule. Without the first, it logs a warning, and the conduit works all the
    /// same. At most ten questions a second are answered, and no answer goes to a subject of a
    /// conduit or of the server (`$`), whatever reply subject a question names.
    ///
    /// An endpoint is a binding, named with `-` for each `.`; its `subject` is the one of NATS.
    ///
    /// [ADR-32]: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_nats::ConnectError> {
    /// use conduit_nats::Nats;
    ///
    /// let nats = Nats::connect("nats://localhost:4222").await?.as_nats_service();
    /// # drop(nats);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn as_nats_service(mut self) -> Self {
        self.is_service = true;
        self
    }

    /// What happens to the connection from now on: lost, made again, denied, and so on. All of it
    /// goes to `tracing` too.
    ///
    /// The events of a client that was handed in are not known: then this ends at once.
    ///
    /// ```no_run
    /// # async fn watch(nats: conduit_nats::Nats) {
    /// use conduit_nats::NatsEvent;
    /// use futures_lite::StreamExt;
    ///
    /// let mut events = nats.events();
    /// while let Some(event) = events.next().await {
    ///     if event == NatsEvent::LameDuck {
    ///         println!("this server goes down; another one takes over");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        let monitor = self.link.monitor.as_ref();
        monitor.map_or(Events::none(), |monitor| monitor.events())
    }
}

/// A transport on a client of the user's, which stays open when the transport is closed.
///
/// What async-nats tells in its options' event callback alone is not known of a finished client:
/// [`events`](Self::events) ends at once, and what the server does not permit looks like a missing
/// answer, and is no [`Denied`](TransportErrorKind::Denied). Its
/// [`subscription_capacity`](async_nats::ConnectOptions::subscription_capacity) is how many packets
/// may wait in a subscription before async-nats drops the newest; [`Nats::options`] has one that
/// fits. A client with [`no_echo`](async_nats::ConnectOptions::no_echo), or on a server that takes
/// packets of less than [`MIN_PACKET_LEN`] only, is refused: whatever the conduit is asked to do
/// fails and says why.
impl From<Client> for Nats {
    fn from(client: Client) -> Self {
        let unwritten = Unwritten::new(&client);
        let link = Link::new(client, unwritten, Root::default(), None, None);
        Self { link: Arc::new(link), is_service: false }
    }
}

/// Another transport on the same connection, for another conduit in the same namespace.
impl Clone for Nats {
    fn clone(&self) -> Self {
        self.at(self.link.root.clone())
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

    /// Its state comes from the events of the connection. A client that was handed in tells of none:
    /// there it is `Unknown`.
    fn connection(&self) -> Option<Connection> {
        Some(self.link.connection.clone())
    }

    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(link.connected()).await
    }

    // Not in `Compat`: while there is a connection a publish only puts a command into a channel,
    // which needs no tokio context, and entering one for each packet would be felt.
    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(hand_over(link, to, packet, undelivered)).await
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let link = &*self.link;
        // Either is looked into by `publish`, which can wait.
        if link.closing.is_closed() || !link.is_connected() {
            return None;
        }
        if let Err(error) = check_length(link, &packet) {
            return Some(Err(error));
        }
        let subject = link.permitted(to)?;
        // Where the client's queue is full its send waits, and has sent nothing when dropped.
        let publish = pin!(give(link, subject, packet, undelivered));
        match publish.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(published) => Some(published),
            Poll::Pending => None,
        }
    }

    fn unwritten(&self) -> usize {
        self.link.unwritten.count()
    }

    async fn written(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        let written = async { link.client.flush().await.map_err(ended) };
        link.closing.unless_closed(written).await
    }

    async fn subscribe(&self, at: &Address) -> Result<Subscription, TransportError> {
        let link = &self.link;
        link.closing.unless_closed(subscribe(link, at)).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        let flushed = async {
            link.connected().await?;
            link.round_trip().await.map(drop)
        };
        link.closing.unless_closed(flushed).await
    }

    /// Answers NATS's own questions for services, if it [was told to](Nats::as_nats_service).
    fn background(&self, conduit: Introduction) -> Option<Task> {
        let link = Arc::clone(&self.link);
        self.is_service.then(|| Box::pin(services::answer(link, conduit)) as Task)
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
            tracing::debug!(target: "conduit_nats", "closed without the broker's word on what was published");
        }
    }
}

async fn end(link: &Link, last: bool) -> Result<(), TransportError> {
    let flushed = link.round_trip().await.map(drop);
    // Without a connection the command would wait for one.
    if last && link.is_connected() {
        link.client.drain().await.map_err(ended)?;
    }
    flushed
}

async fn subscribe(link: &Arc<Link>, at: &Address) -> Result<Subscription, TransportError> {
    let (subject, queue) = link.root.subscribe(at).ok_or_else(|| {
        TransportError::new(TransportErrorKind::Other, "a subscription has one target")
    })?;
    if link.is_connected() && link.client.max_payload() < MIN_PACKET_LEN {
        return Err(unusable("the NATS server's max_payload is too small"));
    }
    let question = link.may_subscribe(&subject);
    let subscribed = match queue {
        Some(queue) => link.client.queue_subscribe(subject, queue.into()).await,
        None => link.client.subscribe(subject).await,
    };
    let subscriber = subscribed.map_err(|error| match error.kind() {
        SubscribeErrorKind::Other => ended(error),
        _ => TransportError::new(TransportErrorKind::Other, error),
    })?;
    let subscription = match link.root.marks(at) {
        Some(marks) => {
            link.set_marks(marks);
            Subscription::to_inbox(subscriber, Arc::clone(link))
        }
        None => Subscription::to_subject(subscriber, Arc::clone(link)),
    };
    if let Some(question) = question {
        question.subscribed().await?;
    }
    Ok(subscription)
}
