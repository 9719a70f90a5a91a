mod builder;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use conduit::transport::{
    Address, Destination, Token, Transport, TransportError, TransportErrorKind,
};

pub use self::builder::MemoryBuilder;
use crate::{
    MemorySubscription,
    broker::{Broker, Connection, Published},
    fault::{FaultCounts, FaultPlan},
    link::Link,
};

/// A connection to a broker in this process.
///
/// [`new`](Self::new) makes a broker and a first connection; each clone is one more connection to
/// the same broker, for one more conduit. The broker lives as long as anything that is connected to
/// it. Dropping a connection does not end its subscriptions, [closing](Transport::close) it does,
/// and leaves other connections alone. A clone of a closed connection is open.
///
/// What a publisher gets to know, and when:
/// - A packet stays with its publisher while a subscription that it is for has no room. It is then
///   given to all whom it is for, or, where the publish is dropped before, to none of them.
///   Publishers that wait for the same subscription have no order among each other.
/// - Members of a group take turns; one that is full is passed over while another has room.
/// - The broker knows who is subscribed, so that every notice of an undelivered packet is given.
/// - An inbox has one subscription; the next one is `Denied` until the first is left or dropped.
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
    /// A broker with the default limits, and a first connection to it.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// The limits of a broker, to be changed before it is made.
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder::new()
    }

    /// How many subscriptions the broker routes to, of all connections together. Those that were
    /// left or dropped, or whose connection was closed, do not count.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.broker.subscriptions()
    }

    /// How many packets wait to be read, of all connections together: in subscriptions that are
    /// routed to, and in those that were left but not dropped.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.broker.queued()
    }

    /// The way between this connection and the broker, to be broken by a test.
    #[must_use]
    pub fn link(&self) -> Link {
        let way = Arc::clone(&self.connection.way);
        Link::new(Arc::clone(&self.broker), self.connection.id, way)
    }

    /// Stops the broker, for all connections: what is on its way or waits in subscriptions is lost,
    /// it forgets all subscriptions, and publishing waits.
    pub fn stop_broker(&self) {
        self.broker.stop();
    }

    /// Starts it again: connections renew their subscriptions by themselves, and publishing goes
    /// on. One whose [link](Self::link) is disconnected stays so.
    pub fn start_broker(&self) {
        self.broker.start();
    }

    /// Lets packets suffer what a plan says, for all connections. It takes the place of a plan that
    /// is in force.
    ///
    /// # Panics
    /// Where the plan's runtime panics because it is not running.
    pub fn inject_faults(&self, plan: FaultPlan) {
        self.broker.inject(plan);
    }

    /// Ends what [`inject_faults`](Self::inject_faults) began. What is on its way arrives at once.
    pub fn end_faults(&self) {
        self.broker.end_faults();
    }

    /// What fault plans have done so far.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.broker.fault_counts()
    }

    pub(crate) fn with_limits(limits: &MemoryBuilder) -> Self {
        Self::connect(Arc::new(Broker::new(limits.max_packet_len, limits.subscription_capacity)))
    }

    fn connect(broker: Arc<Broker>) -> Self {
        Self { connection: broker.connect(), broker }
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

/// One more connection to the same broker.
impl Clone for Memory {
    fn clone(&self) -> Self {
        Self::connect(Arc::clone(&self.broker))
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

    /// In force when it returns.
    async fn subscribe(&self, at: &Address) -> Result<MemorySubscription, TransportError> {
        let (id, queue) = self.broker.subscribe(&self.connection, at)?;
        Ok(MemorySubscription::new(Arc::clone(&self.broker), id, queue))
    }

    /// Returns at once: the broker routes a packet and makes a subscription in the call itself.
    /// Where the connection is broken, it waits until it is mended.
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

    /// Ends this connection's subscriptions, with what waits in them, and a publish of it that
    /// waits for room.
    async fn close(&self) {
        self.broker.close(&self.connection);
    }
}
