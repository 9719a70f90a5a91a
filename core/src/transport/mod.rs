//! The transport seam: what Conduit needs of a broker.

mod destination;
mod erased;
mod error;

use std::{future::Future, pin::pin};

use bytes::Bytes;
use futures_core::Stream;
use futures_lite::future;

pub(crate) use self::erased::{DynSubscription, DynTransport};
pub use self::{
    destination::Destination,
    error::{TransportError, TransportErrorKind},
};
pub use crate::address::{Address, InvalidToken, Target, Targets, Token};

/// The least that [`Transport::max_packet_len`] may say, in bytes.
pub const MIN_PACKET_LEN: usize = 16 * 1024;

/// What a [`Subscription`] yields.
///
/// ```
/// use conduit::{InstanceId, MessageId};
/// use conduit::transport::{Address, Packet, Targets, Token, Transport};
/// use conduit_memory::Memory;
/// use futures_lite::{StreamExt, future::block_on};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # block_on(async {
/// let memory = Memory::new();
/// let (service, instance) = ("shop".parse()?, InstanceId::from_bytes([7; 16]));
/// let inbox = Address::Inbox { service, instance };
/// let mut packets = memory.subscribe(&inbox).await?;
///
/// let nobody = Address::Control { service: "closed".parse()? };
/// let token = Token { message: MessageId::from_bytes([1; 16]), targets: Targets::Plain, tag: 7 };
/// memory.publish(&nobody, "hello".into(), Some((&inbox, token))).await?;
/// assert_eq!(packets.next().await, Some(Packet::Undelivered(token)));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Bytes that somebody published to the address.
    Data(Bytes),
    /// A notice from the broker: nobody was subscribed to what was published with this token.
    ///
    /// It comes with the subscription to the inbox that was given with the packet. Where it travels
    /// through the broker it does so under a name of its own, so that nobody else has to be permitted
    /// to publish there.
    Undelivered(Token),
}

/// A broker, as Conduit sees it: a thing that moves packets between addresses.
///
/// Conduit makes messages, streams, flow control, requests and replies out of packets by itself. A
/// transport only maps each [`Address`] to a name of its broker, in one function, and keeps the
/// contract below. One value serves one conduit. `conduit-conformance` tests all of it.
///
/// # Contract
/// - **Routing.** A packet published to [`Address::Subject`] reaches every subscription to
///   [`Targets::Plain`] of that subject when its targets include plain, and exactly one of the
///   subscriptions to [`Targets::Group`] of that subject, whatever instance they belong to, when
///   its targets include the group. A packet to [`Address::Inbox`] reaches the instance that
///   subscribed to it and nobody else. A packet to [`Address::Control`] reaches every instance of
///   the service. Who publishes may be subscribed, and then gets its own packets too.
/// - **Order.** Packets handed over by one transport, one after the other (each call awaited before
///   the next is made), reach one subscription in that order, whatever their targets.
/// - **Handing over.** Conduit tells its users whether a message can have reached a handler. So a
///   transport says when a packet leaves its hands: [`hand_over`](Self::hand_over) takes it out of
///   the place where it was given, and from then on it may be routed, even if the connection breaks
///   before. While it is there it is routed nowhere, and never will be.
/// - **No repeats.** A packet is given to a subscription once.
/// - **Loss is allowed**, when a connection breaks or a buffer is full. Damage is not.
/// - **Survival.** Subscriptions live until they are left or dropped: after a lost connection the
///   transport connects and subscribes again by itself. One that ends by itself says that the
///   transport, or the client behind it, is gone for good: a conduit whose inbox ends is closed.
/// - **Cancel safety.** Every future may be dropped before it is done. A `hand_over` that is dropped
///   has taken its packet or has not; a `ready` that is dropped leaves nothing behind.
/// - **Any task.** All of it may be called, and polled, by any thread: whoever reads a binding may be
///   the one who polls its subscription, and the next poll may come from another task. A transport
///   that needs the context of a runtime enters it by itself.
///
/// # Example
/// ```
/// use bytes::Bytes;
/// use conduit::transport::{Address, Token, Transport, TransportError};
/// use conduit_memory::{Memory, MemorySubscription};
///
/// /// Moves packets by another transport, and prints where each goes.
/// struct Traced(Memory);
///
/// impl Transport for Traced {
///     type Subscription = MemorySubscription;
///
///     fn max_packet_len(&self) -> usize {
///         self.0.max_packet_len()
///     }
///
///     async fn ready(&self, to: &Address) -> Result<(), TransportError> {
///         self.0.ready(to).await
///     }
///
///     async fn hand_over(
///         &self,
///         to: &Address,
///         packet: &mut Option<Bytes>,
///         undelivered: Option<(&Address, Token)>,
///     ) -> Result<(), TransportError> {
///         println!("to {to:?}: {} bytes", packet.as_ref().map_or(0, Bytes::len));
///         self.0.hand_over(to, packet, undelivered).await
///     }
///
///     async fn subscribe(&self, at: &Address) -> Result<MemorySubscription, TransportError> {
///         self.0.subscribe(at).await
///     }
///
///     async fn flush(&self) -> Result<(), TransportError> {
///         self.0.flush().await
///     }
///
///     async fn close(&self) {
///         self.0.close().await;
///     }
/// }
///
/// # fn main() -> Result<(), conduit::Error> {
/// # use {conduit::Conduit, conduit_json::Json, conduit_smol::Smol};
/// let conduit = Conduit::new("shop", Smol, Traced(Memory::new()), Json)?;
/// # drop(conduit);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "not a transport",
    note = "use `Memory` of `conduit-memory`, `Nats` of `conduit-nats`, or implement `Transport`"
)]
pub trait Transport: Send + Sync + 'static {
    /// A stream of packets.
    type Subscription: Subscription;

    /// The longest packet that can be published now, in bytes; at least [`MIN_PACKET_LEN`]. It may
    /// change when the transport connects to another server. It is asked often, so it has to be
    /// cheap.
    fn max_packet_len(&self) -> usize;

    /// Waits until a packet to this address could be handed over: until there is a connection, say.
    /// It returns at once where that is so already. Conduit gives up when its send timeout or the
    /// deadline of a request has passed, and knows then that nothing was sent.
    ///
    /// # Errors
    /// `Closed` after [`close`](Self::close), `Disconnected` where there will be no connection any
    /// more, `Other` where none can be used.
    fn ready(&self, to: &Address) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Hands a packet to the broker: takes it out of `packet` at the moment from which on it may be
    /// routed (it is in the client's write buffer, say). It may wait for room there, with the packet
    /// in its place, but not for a connection: that is what [`ready`](Self::ready) does. After that
    /// moment it may only wait to learn whether the broker permits the address. Waiting for the
    /// packet to be routed is [`flush`](Self::flush).
    ///
    /// With `undelivered`, a broker that knows that nobody was subscribed to `to` sends
    /// [`Packet::Undelivered`] with the token to the given address, which is the inbox of this
    /// conduit. A broker that cannot know ignores it: then a user learns of a missing receiver by
    /// a timeout.
    ///
    /// # Errors
    /// `Disconnected` while there is no connection, and then `packet` is in its place;
    /// [`TransportErrorKind::TooLarge`] for a packet longer than [`max_packet_len`](Self::max_packet_len),
    /// `Denied` where the broker forbids the address and says so, and so has routed nothing;
    /// `Closed` after [`close`](Self::close), `Other` for the rest.
    fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Hands a packet over, if that takes no waiting; `None` where it would, as it does without a
    /// connection, and then nothing was handed over and nothing will be: Conduit calls
    /// [`ready`](Self::ready) and [`hand_over`](Self::hand_over).
    ///
    /// Most packets are small, and of those a future costs more than the packet does. A transport
    /// that does not implement this is as right, only slower. What it has to look up for an address
    /// it can [remember](Destination::remember).
    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let _ = (to, packet, undelivered);
        None
    }

    /// Waits until a packet can be handed over, and hands it over: what Conduit does, for those who
    /// use a transport without one. There is nothing to implement.
    ///
    /// # Errors
    /// Those of [`ready`](Self::ready) and [`hand_over`](Self::hand_over).
    fn publish(
        &self,
        to: &Address,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        async move { publish(self, to, &mut Some(packet), undelivered).await }
    }

    /// Subscribes to an address. The targets of a subject are `Plain` or `Group` here, never both.
    /// The broker may not route to the subscription before a later [`flush`](Self::flush) is done.
    ///
    /// Conduit subscribes to its own inbox first, and at most once to each address at a time; it
    /// may subscribe to a subject anew while it leaves it.
    ///
    /// # Errors
    /// `Denied` where the broker forbids it, `Closed` after [`close`](Self::close), `Other` for the rest.
    fn subscribe(
        &self,
        at: &Address,
    ) -> impl Future<Output = Result<Self::Subscription, TransportError>> + Send;

    /// Waits until the broker has processed everything that this transport gave it before: packets
    /// are routed, and subscriptions are in force for whatever anyone connected to the same server
    /// publishes after.
    ///
    /// # Errors
    /// `Disconnected` where the connection broke meanwhile, `Closed` after [`close`](Self::close).
    fn flush(&self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Gives up what the transport holds. What was published before is still sent; every later
    /// call returns `Closed`, and subscriptions end. A connection that the user made and handed in
    /// stays open.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// The packets of one [`Transport::subscribe`]. Dropping it unsubscribes, and forgets what has not
/// been read.
///
/// The stream ends when the subscription was left and everything routed to it has been read, or
/// when the transport is closed or gone for good. A lost connection does not end it.
///
/// ```
/// use conduit::transport::{Address, Packet, Subscription, Transport};
/// use conduit_memory::Memory;
/// use futures_lite::{StreamExt, future::block_on};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # block_on(async {
/// let memory = Memory::new();
/// let address = Address::Control { service: "shop".parse()? };
/// let mut packets = memory.subscribe(&address).await?;
/// memory.publish(&address, "hello".into(), None).await?;
///
/// packets.leave().await?;
/// assert_eq!(packets.next().await, Some(Packet::Data("hello".into())));
/// assert_eq!(packets.next().await, None);
/// # Ok(())
/// # })
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the subscription of a transport",
    label = "not a subscription",
    note = "implement `Subscription` for a `Stream<Item = Packet> + Send + Unpin + 'static`"
)]
pub trait Subscription: Stream<Item = Packet> + Send + Unpin + 'static {
    /// Asks the broker to route nothing more here, and returns when it has done so. Everything that
    /// was routed here before is still yielded, and then the stream ends. Calling it twice is fine.
    ///
    /// # Errors
    /// `Disconnected` where there is no connection: then nothing is routed here any more.
    fn leave(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// Waits until a packet can be handed over, and hands it over. A connection that breaks between the
/// two is waited for again.
async fn publish<T: Transport + ?Sized>(
    transport: &T,
    to: &Address,
    packet: &mut Option<Bytes>,
    undelivered: Option<(&Address, Token)>,
) -> Result<(), TransportError> {
    transport.ready(to).await?;
    loop {
        let handed_over = transport.hand_over(to, packet, undelivered).await;
        match &handed_over {
            Err(error) if error.kind() == TransportErrorKind::Disconnected && packet.is_some() => {}
            _ => return handed_over,
        }
        let mut ready = pin!(transport.ready(to));
        // One that is ready and disconnected at once has lost its connection for good.
        match future::poll_once(ready.as_mut()).await {
            Some(ready) => return ready.and(handed_over),
            None => ready.await?,
        }
    }
}
