mod builder;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use conduit::transport::{
    Address, Connection as LinkState, Destination, Namespace, Token, Transport, TransportError,
    TransportErrorKind,
};

pub use self::builder::MemoryBuilder;
use crate::{
    MemorySubscription,
    broker::{Broker, Published},
    connection::Connection,
    fault::{FaultCounts, FaultPlan},
    link::Link,
};

/// A connection to a broker in this process.
///
/// [`new`](Self::new) creates a broker and a first connection; each clone is another connection to
/// the same broker, for another conduit. The broker lives as long as a connection or subscription
/// to it. Dropping a connection does not end its subscriptions; [closing](Transport::close) it
/// does, and does not affect other connections. A clone of a closed connection is open.
///
/// Details of its behaviour:
/// - While a subscription that a packet is for has no room, its publisher waits. The packet is then
///   delivered to all its subscriptions, or, if the publish is dropped before, to none. Publishers
///   that wait for the same subscription are not ordered among each other.
/// - Members of a group take turns; a full one is skipped while another has room.
/// - The broker knows all subscriptions, so it sends every notice of an undelivered packet.
/// - An inbox has one subscription; further ones are `Denied` until the first is left or dropped.
///
/// ```
/// use conduit::{InstanceId, transport::{Address, Transport}};
/// use conduit_memory::Memory;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # futures_lite::future::block_on(async {
/// let one = Memory::new();
/// let other = one.clone();
///
/// let inbox = Address::Inbox {
///     service: "user-service".parse()?,
///     instance: InstanceId::from_bytes([7; 16]),
/// };
/// let packets = one.subscribe(&inbox).await?;
/// other.publish(&inbox, "hello".into(), None).await?;
/// assert_eq!((other.subscriptions(), other.queued()), (1, 1));
///
/// drop(packets);
/// assert_eq!((other.subscriptions(), other.queued()), (0, 0));
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Memory {
    broker: Arc<Broker>,
    connection: Connection,
}

impl Memory {
    /// Creates a broker with the default limits, and returns a first connection to it.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a broker with custom limits.
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder::new()
    }

    /// Creates a connection to the same broker in a namespace: its conduit meets those in the same
    /// namespace alone, whatever services there are in others and in none.
    ///
    /// ```
    /// use conduit::{Conduit, ErrorKind};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # smol::block_on(async {
    /// let broker = Memory::new();
    /// let (staging, production) = (broker.in_namespace("staging".parse()?), broker);
    /// let worker = Conduit::new("worker", Smol, staging.clone(), Json)?;
    /// worker.queue_bind("add").await?.serve(async |(a, b): (u8, u8)| Ok::<_, conduit::Error>(a + b));
    ///
    /// let staging = Conduit::new("client", Smol, staging, Json)?;
    /// assert_eq!(staging.service("worker").request("add", &(1, 2)).await?.decode::<u8>().await?, 3);
    /// let production = Conduit::new("client", Smol, production, Json)?;
    /// let error = production.service("worker").request("add", &(1, 2)).await.expect_err("elsewhere");
    /// assert_eq!(error.kind(), ErrorKind::NoReceivers);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn in_namespace(&self, namespace: Namespace) -> Self {
        Self::connect(Arc::clone(&self.broker), self.broker.namespace(namespace))
    }

    /// Returns how many subscriptions the broker routes to, over all connections. Subscriptions
    /// that were left or dropped, or whose connection was closed, do not count.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.broker.subscriptions()
    }

    /// Returns how many packets wait to be read, over all connections, including subscriptions that
    /// were left but not dropped.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.broker.queued()
    }

    /// Returns the link between this connection and the broker, which a test can break.
    #[must_use]
    pub fn link(&self) -> Link {
        let way = Arc::clone(&self.connection.way);
        Link::new(Arc::clone(&self.broker), self.connection.id, way)
    }

    /// Stops the broker for all connections: packets in transit and in subscriptions are lost, the
    /// broker forgets all subscriptions, and publishing waits.
    pub fn stop_broker(&self) {
        self.broker.stop();
    }

    /// Starts the broker again: connections renew their subscriptions by themselves, and publishing
    /// continues. A connection whose [link](Self::link) is disconnected stays disconnected.
    pub fn start_broker(&self) {
        self.broker.start();
    }

    /// Injects the faults of a plan into the packets of all connections. Replaces an active plan.
    ///
    /// # Panics
    /// If the plan's runtime panics because it is not running.
    pub fn inject_faults(&self, plan: FaultPlan) {
        self.broker.inject(plan);
    }

    /// Ends the active plan. Delayed packets arrive at once.
    pub fn end_faults(&self) {
        self.broker.end_faults();
    }

    /// Returns the number of faults that plans have caused so far.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.broker.fault_counts()
    }

    pub(crate) fn with_limits(limits: &MemoryBuilder) -> Self {
        Self::connect(Arc::new(Broker::new(limits.max_packet_len, limits.subscription_capacity)), 0)
    }

    fn connect(broker: Arc<Broker>, namespace: usize) -> Self {
        Self { connection: broker.connect(namespace), broker }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.broker.forget_connection(self.connection.id);
    }
}

/// Creates another connection to the same broker, in the same namespace.
impl Clone for Memory {
    fn clone(&self) -> Self {
        Self::connect(Arc::clone(&self.broker), self.connection.routes)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("connection", &self.connection.id).finish_non_exhaustive()
    }
}

impl Transport for Memory {
    type Subscription = MemorySubscription;

    fn max_packet_len(&self) -> usize {
        self.broker.max_packet_len
    }

    fn connection(&self) -> Option<LinkState> {
        Some(self.connection.way.connection().clone())
    }

    /// Waits while the link is disconnected or the broker is stopped.
    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        loop {
            let mended = self.connection.way.listen();
            self.connection.check_open()?;
            if self.connection.way.is_online() {
                return Ok(());
            }
            mended.await;
        }
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        while let Some(bytes) = packet.clone() {
            match self.broker.publish(&self.connection, to, bytes, undelivered)? {
                Published::Yes => *packet = None,
                Published::Offline => return Err(TransportErrorKind::Disconnected.into()),
                Published::Full(room) => room.await,
            }
        }
        Ok(())
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        match self.broker.publish(&self.connection, to.address(), packet, undelivered) {
            Ok(Published::Yes) => Some(Ok(())),
            Ok(Published::Offline | Published::Full(_)) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The packets that wait for the [bandwidth](crate::FaultPlan::bandwidth) of the connection.
    fn unwritten(&self) -> usize {
        self.connection.way.unwritten()
    }

    async fn written(&self) -> Result<(), TransportError> {
        self.connection.check_open()?;
        self.connection.way.written().await;
        Ok(())
    }

    /// The subscription is active when this returns.
    async fn subscribe(&self, at: &Address) -> Result<MemorySubscription, TransportError> {
        let (id, queue) = self.broker.subscribe(&self.connection, at)?;
        Ok(MemorySubscription::new(Arc::clone(&self.broker), id, queue))
    }

    /// Returns at once, since the broker routes packets and adds subscriptions within the call. If
    /// the connection is broken, waits until it is restored.
    async fn flush(&self) -> Result<(), TransportError> {
        loop {
            let mended = self.connection.way.listen();
            self.connection.check_open()?;
            if self.connection.way.is_online() && !self.connection.way.is_cut() {
                return Ok(());
            }
            mended.await;
        }
    }

    /// Ends this connection's subscriptions, discards the packets in them, and ends publishes that
    /// wait for room.
    async fn close(&self) {
        self.broker.close(&self.connection);
    }
}
