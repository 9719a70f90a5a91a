use std::{future::Future, sync::Arc, time::Duration};

use async_compat::Compat;
use async_nats::{Client, ConnectOptions, ToServerAddrs, connection::State};
use conduit::transport::{ConnectionState, MIN_PACKET_LEN, Namespace};
use conduit_kit::pause_before;

use crate::{
    ConnectError, ConnectErrorKind, Nats, link::Link, monitor::Monitor, servers::Servers,
    subject::Root, unwritten::Unwritten,
};

/// How long [`Nats::connect`] tries.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Three times this is how long a server that says nothing any more goes unnoticed. async-nats would
/// take three minutes.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// How many packets may wait in a subscription. async-nats drops what comes then and tells nobody,
/// and its default of 65,536 is filled by a second's burst. The queue is allocated as it fills.
const SUBSCRIPTION_CAPACITY: usize = 1 << 20;

impl Nats {
    /// Connects to a server, or to one of several, with the [`options`](Self::options) below.
    ///
    /// A user and a password, or a token, can be given in the URL:
    /// `nats://user:password@localhost:4222`, `nats://token@localhost:4222`. Of several URLs the
    /// first that has them counts, for all. Once connected, it connects again by itself whenever the
    /// connection is lost.
    ///
    /// # Errors
    /// [`ConnectError`], after five seconds at the latest.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), conduit_nats::ConnectError> {
    /// use conduit_nats::Nats;
    ///
    /// let nats = Nats::connect("nats://localhost:4222").await?;
    /// # drop(nats);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(
        urls: impl ToServerAddrs,
    ) -> impl Future<Output = Result<Self, ConnectError>> + Send {
        let servers = Servers::parse(&urls);
        Compat::new(async move {
            let connecting = connect(Self::options(), servers?);
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(ConnectErrorKind::TimedOut.into()),
            }
        })
    }

    /// Connects with options of your own: credentials, TLS, a name, timeouts.
    ///
    /// Credentials in a URL are used before those in the options. async-nats reads a credentials
    /// file under tokio only; a file that you have read is good everywhere.
    ///
    /// Begin with [`Nats::options`], whose subscriptions hold more than async-nats' default. An
    /// [`event_callback`](ConnectOptions::event_callback) is replaced: [`Nats::events`] tells what
    /// it would have told. Leave [`no_echo`](ConnectOptions::no_echo) off: a service that sends to
    /// itself would hear nothing, so that whatever is done with such a connection fails and says
    /// why. With [`retry_on_initial_connect`](ConnectOptions::retry_on_initial_connect) this
    /// returns at once, and the transport waits for its connection as it does for a lost one.
    ///
    /// # Errors
    /// [`ConnectError`], after the options' `connection_timeout` for each address at the latest.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use conduit_nats::Nats;
    ///
    /// let options = Nats::options()
    ///     .name("billing")
    ///     .credentials(&std::fs::read_to_string("/etc/nats/billing.creds")?)?
    ///     .add_root_certificates("/etc/nats/ca.pem".into());
    /// let servers = vec!["tls://one.example.com", "tls://two.example.com"];
    /// let nats = Nats::connect_with(options, servers).await?;
    /// # drop(nats);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_with(
        options: ConnectOptions,
        urls: impl ToServerAddrs,
    ) -> impl Future<Output = Result<Self, ConnectError>> + Send {
        let servers = Servers::parse(&urls);
        Compat::new(async move { connect(options, servers?).await })
    }

    /// Another transport on the same connection, in a namespace: its conduit meets those in the same
    /// namespace alone, whatever services there are in others and in none. So `staging` and
    /// `production` may share a server.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use conduit_nats::Nats;
    ///
    /// let nats = Nats::connect("nats://localhost:4222").await?.in_namespace("staging".parse()?);
    /// # drop(nats);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is parsed in the call")]
    pub fn in_namespace(&self, namespace: Namespace) -> Self {
        self.at(Root::of(&namespace))
    }

    fn ours(client: Client, monitor: Arc<Monitor>) -> Self {
        let unwritten = Unwritten::new(&client);
        let (root, lease) = (Root::default(), Some(Arc::new(())));
        let link = Link::new(client, unwritten, root, Some(monitor), lease);
        Self { link: Arc::new(link), is_service: false }
    }

    pub(crate) fn at(&self, root: Root) -> Self {
        let Link { client, unwritten, monitor, .. } = &*self.link;
        let (client, unwritten) = (client.clone(), unwritten.clone());
        let link = Link::new(client, unwritten, root, monitor.clone(), self.link.lease());
        Self { link: Arc::new(link), is_service: self.is_service }
    }

    /// async-nats' defaults, but with room for 1,048,576 packets in each subscription, since
    /// async-nats drops the newest packets of a subscription that is full, and a ping every ten
    /// seconds, so that a server which says nothing any more is given up within thirty. And whenever
    /// the connection is lost, the pauses between attempts to connect again grow to half a second
    /// only, so that open bodies go on soon after the server is back.
    #[must_use]
    pub fn options() -> ConnectOptions {
        ConnectOptions::new()
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .reconnect_delay_callback(pause_before)
    }
}

async fn connect(options: ConnectOptions, servers: Servers) -> Result<Nats, ConnectError> {
    let (monitor, hear) = Monitor::new();
    // Names are checked when they are made, and the subjects made of them need not be again.
    let options = options.event_callback(hear).skip_subject_validation(true);
    // async-nats' future is large enough to overflow the stack of a thread that blocks on it.
    let client = Box::pin(servers.connect(options)).await?;
    if is_too_small(&client) {
        return Err(ConnectErrorKind::MaxPayload.into());
    }
    // Its event may be late.
    if client.connection_state() == State::Connected {
        monitor.connection.note(ConnectionState::Connected);
    }
    Ok(Nats::ours(client, monitor))
}

fn is_too_small(client: &Client) -> bool {
    client.connection_state() == State::Connected && client.max_payload() < MIN_PACKET_LEN
}
