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
    link::{Limits, Link, MAX_PACKET_LEN},
    names::Root,
    servers::Servers,
    shared::Shared,
    state::State,
};

/// How long [`close`](Transport::close) waits for the server to process what was published.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A connection to Redis as a [`Transport`].
///
/// One value serves one conduit. A clone is another transport on the same connection.
///
/// It works in any async runtime: a thread of its own drives the connection, and ends with the last
/// of its transports. To a cluster, there is a connection and a thread for each primary that is needed.
pub struct Redis {
    link: Arc<Link>,
}

impl Redis {
    /// Connects to a server, with the [`options`](Self::options) below.
    ///
    /// A user and a password can be given in the URL: `redis://user:password@localhost:6379`. With
    /// `rediss://` the connection is encrypted. Once connected, it connects again by itself whenever
    /// the connection is lost.
    ///
    /// # Errors
    /// [`ConnectError`], after five seconds at the latest; in a cluster, after as long for each server
    /// of it.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_redis::ConnectError> {
    /// use conduit_redis::Redis;
    ///
    /// let redis = Redis::connect("redis://localhost:6379").await?;
    /// # drop(redis);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: impl AsRef<str> + Send) -> Result<Self, ConnectError> {
        Self::connect_with(Self::options(), [url]).await
    }

    /// Connects with options of your own, to the first server of several that can be used. They
    /// have to be the same to their users: a server and those that take its place, or servers of one
    /// [cluster](crate::operating#clusters), of which all are then used.
    ///
    /// # Errors
    /// [`ConnectError`], after [`Options::timeout`] for each server at the latest. It is that of the
    /// first server.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_redis::ConnectError> {
    /// use conduit_redis::Redis;
    ///
    /// let options = Redis::options()
    ///     .name("billing")
    ///     .user_and_password("billing", "secret")
    ///     .add_root_certificates("/etc/redis/ca.pem");
    /// let redis = Redis::connect_with(options, ["rediss://redis.example.com"]).await?;
    /// # drop(redis);
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
        let Options { max_waiting: waiting, body_budget: bodies, .. } = servers.options;
        let shared = Arc::new(Shared::new(servers));
        // Dropped with this future, it makes the thread end.
        let lease = Lease::new(Arc::clone(&shared.stopping));
        let (first, connected) = async_channel::bounded(1);
        driver::start(Arc::clone(&shared), first)
            .map_err(|error| ConnectError::new(ConnectErrorKind::Other, error))?;
        match connected.recv().await {
            Ok(connected) => connected?,
            Err(_) => return Err(ConnectErrorKind::Other.into()),
        }
        let link = Link::new(shared, Root::default(), Limits { waiting, bodies }, lease);
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
    /// use conduit_redis::Redis;
    ///
    /// let redis = Redis::connect("redis://localhost").await?.in_namespace("staging".parse()?);
    /// # drop(redis);
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
        let Link { shared, limits, .. } = &*self.link;
        let link = Link::new(Arc::clone(shared), root, *limits, self.link.lease.clone());
        Self { link: Arc::new(link) }
    }
}

/// Another transport on the same connection, for another conduit in the same namespace.
impl Clone for Redis {
    fn clone(&self) -> Self {
        self.at(self.link.root.clone())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("state", &self.link.shared.connection.state())
            .field("closed", &self.link.closing.is_closed())
            .finish_non_exhaustive()
    }
}

impl Transport for Redis {
    type Subscription = Subscription;

    fn max_packet_len(&self) -> usize {
        MAX_PACKET_LEN
    }

    fn connection(&self) -> Option<Connection> {
        Some(self.link.shared.connection.clone())
    }

    /// What a server bears for all conduits on the connection, divided by their number.
    fn body_budget(&self) -> Option<u64> {
        Some(self.link.body_budget())
    }

    async fn ready(&self, to: &Address) -> Result<(), TransportError> {
        let link = &*self.link;
        link.closing.unless_closed(link.ready(to)).await
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
        let name = link.root.name(at);
        if matches!(at, Address::Inbox { .. }) {
            link.count(true);
        }
        link.closing.unless_closed(Subscription::make(link, name)).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        let link = &*self.link;
        let flushed = async {
            link.shared.driven.reached(State::settled).await?;
            link.shared.round_trip(None).await
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
        if link.shared.round_trip(None).or(late).await.is_err() {
            tracing::debug!(target: "conduit_redis", "closed without the server's word on what was published");
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
