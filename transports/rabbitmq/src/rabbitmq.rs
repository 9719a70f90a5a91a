use std::{fmt, sync::Arc, time::Duration};

use async_io::Timer;
use bytes::Bytes;
use conduit::transport::{
    Address, Connection, Destination, Namespace, Token, Transport, TransportError,
    TransportErrorKind,
};
use conduit_kit::Lease;
use futures_lite::FutureExt;

use crate::{
    ConnectError, ConnectErrorKind, Events, Options, Subscription, driver,
    link::{Link, MAX_PACKET_LEN},
    names::Root,
    servers::Servers,
    shared::Shared,
};

/// How long [`close`](Transport::close) waits for the server to process what was published.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A connection to RabbitMQ as a [`Transport`].
///
/// One value serves one conduit. A clone is another transport on the same connection.
///
/// There are two connections to the server: one publishes, one consumes. It works in any async runtime: a
/// thread of its own drives both, and ends with the last of the transports on them.
pub struct RabbitMq {
    link: Arc<Link>,
}

impl RabbitMq {
    /// Connects to a server, with the [`options`](Self::options) below.
    ///
    /// A user, a password and a virtual host can be given in the URL: `amqp://user:password@localhost/vhost`. With
    /// `amqps://` the connection is encrypted. Once connected, it connects again by itself whenever
    /// the connection is lost.
    ///
    /// # Errors
    /// [`ConnectError`], after five seconds at the latest.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_rabbitmq::ConnectError> {
    /// use conduit_rabbitmq::RabbitMq;
    ///
    /// let rabbitmq = RabbitMq::connect("amqp://localhost").await?;
    /// # drop(rabbitmq);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: impl AsRef<str> + Send) -> Result<Self, ConnectError> {
        Self::connect_with(Self::options(), [url]).await
    }

    /// Connects with options of your own, to the first server of several that can be used. They
    /// have to be nodes of one cluster, or a server and those that take its place.
    ///
    /// # Errors
    /// [`ConnectError`], after [`Options::timeout`] for each server at the latest. It is that of the
    /// first server.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_rabbitmq::ConnectError> {
    /// use conduit_rabbitmq::RabbitMq;
    ///
    /// let options = RabbitMq::options()
    ///     .name("billing")
    ///     .user_and_password("billing", "secret")
    ///     .add_root_certificates("/etc/rabbitmq/ca.pem");
    /// let rabbitmq = RabbitMq::connect_with(options, ["amqps://rabbitmq.example.com"]).await?;
    /// # drop(rabbitmq);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_with<U: AsRef<str> + Send>(
        options: Options,
        urls: impl IntoIterator<Item = U> + Send,
    ) -> Result<Self, ConnectError> {
        let urls: Vec<U> = urls.into_iter().collect();
        let urls: Vec<&str> = urls.iter().map(AsRef::as_ref).collect();
        let servers = Servers::parse(&urls, options)?;
        let max_waiting = servers.options.max_waiting;
        let shared = Arc::new(Shared::new());
        // Dropped with this future, it makes the thread end.
        let lease = Lease::new(Arc::clone(&shared.stopping));
        let (first, connected) = async_channel::bounded(1);
        driver::start(Arc::clone(&shared), servers, first)
            .map_err(|error| ConnectError::new(ConnectErrorKind::Other, error))?;
        match connected.recv().await {
            Ok(connected) => connected?,
            Err(_) => return Err(ConnectErrorKind::Other.into()),
        }
        let link = Link::new(shared, Root::default(), max_waiting, lease);
        Ok(Self { link: Arc::new(link) })
    }

    /// Returns the options that [`connect`](Self::connect) uses.
    pub fn options() -> Options {
        Options::new()
    }

    /// Returns another transport on the same connection, in a namespace: its conduit meets those in
    /// the same namespace alone, whatever services there are in others and in none. So `staging` and
    /// `production` may share a server.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use conduit_rabbitmq::RabbitMq;
    ///
    /// let rabbitmq = RabbitMq::connect("amqp://localhost").await?.in_namespace("staging".parse()?);
    /// # drop(rabbitmq);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is parsed in the call")]
    pub fn in_namespace(&self, namespace: Namespace) -> Self {
        self.at(Root::of(&namespace))
    }

    /// Returns what happens to the connection from now on: lost, made again, denied, and so on. All
    /// of it goes to `tracing` too.
    #[must_use]
    pub fn events(&self) -> Events {
        self.link.shared.announcer.listen()
    }

    fn at(&self, root: Root) -> Self {
        let Link { shared, max_waiting, .. } = &*self.link;
        let link = Link::new(Arc::clone(shared), root, *max_waiting, self.link.lease.clone());
        Self { link: Arc::new(link) }
    }
}

/// Another transport on the same connection, for another conduit in the same namespace.
impl Clone for RabbitMq {
    fn clone(&self) -> Self {
        self.at(self.link.root.clone())
    }
}

impl fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMq")
            .field("state", &self.link.shared.connection.state())
            .field("closed", &self.link.closing.is_closed())
            .finish_non_exhaustive()
    }
}

impl Transport for RabbitMq {
    type Subscription = Subscription;

    fn max_packet_len(&self) -> usize {
        MAX_PACKET_LEN
    }

    fn connection(&self) -> Option<Connection> {
        Some(self.link.shared.connection.clone())
    }

    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(link.ready()).await
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        let link = &*self.link;
        check_length(packet.as_ref())?;
        link.closing.unless_closed(link.publish(to, packet, undelivered)).await
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let link = &*self.link;
        // It is looked into by `hand_over`.
        if link.closing.is_closed() {
            return None;
        }
        if let Err(error) = check_length(Some(&packet)) {
            return Some(Err(error));
        }
        link.publish_now(to, &packet, undelivered)
    }

    fn unwritten(&self) -> usize {
        self.link.shared.driven.unwritten()
    }

    async fn written(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(link.shared.driven.written()).await
    }

    async fn subscribe(&self, at: &Address) -> Result<Subscription, TransportError> {
        let link = &self.link;
        link.closing.unless_closed(Subscription::make(link, at)).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        let flushed = async {
            link.shared.driven.connected().await?;
            link.shared.round_trip().await
        };
        link.closing.unless_closed(flushed).await
    }

    /// Waits until the server has what was published, five seconds at most, and not at all while
    /// there is no connection. The connection ends with the last of its transports.
    async fn close(&self) {
        let link = &*self.link;
        if !link.closing.close() {
            return;
        }
        let late = async {
            Timer::after(CLOSE_LIMIT).await;
            Err(TransportErrorKind::Disconnected.into())
        };
        if link.shared.round_trip().or(late).await.is_err() {
            tracing::debug!(target: "conduit_rabbitmq", "closed without the server's word on what was published");
        }
        link.release();
    }
}

fn check_length(packet: Option<&Bytes>) -> Result<(), TransportError> {
    match packet {
        Some(packet) if packet.len() > MAX_PACKET_LEN => Err(TransportErrorKind::TooLarge.into()),
        _ => Ok(()),
    }
}
