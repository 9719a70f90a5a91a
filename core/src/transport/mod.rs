//! The transport seam: what Conduit needs from a broker.

mod connection;
mod destination;
mod erased;
mod error;
mod introduction;
mod subscription;

use std::{future::Future, pin::pin};

use bytes::Bytes;
use futures_lite::future;

use crate::Task;

pub use self::{
    connection::{Connection, ConnectionState, ConnectionStatus},
    destination::Destination,
    error::{TransportError, TransportErrorKind},
    introduction::Introduction,
    subscription::{Packet, Subscription},
};
pub(crate) use self::{
    erased::{BoxFuture, DynSubscription, DynTransport},
    introduction::Known,
};
pub use crate::{
    address::{Address, InvalidToken, Target, Targets, Token},
    name::{MAX_NAMESPACE, Namespace},
};

/// The minimum of [`Transport::max_packet_len`], in bytes.
pub const MIN_PACKET_LEN: usize = 16 * 1024;

/// A connection to a broker, which moves packets between addresses.
///
/// Conduit builds messages, streams, flow control, requests and replies from packets. A transport
/// only maps each [`Address`] to a name of its broker, in one function, and keeps the contract
/// below. One value serves one conduit. `conduit-conformance` tests the whole contract.
///
/// # Contract
/// - **Routing.** A packet published to [`Address::Subject`] reaches every subscription to
///   [`Targets::Plain`] of that subject if its targets include plain, and exactly one of the
///   subscriptions to [`Targets::Group`] of that subject, across all instances, if its targets
///   include the group. A packet to [`Address::Inbox`] reaches only the instance that subscribed to
///   it. A packet to [`Address::Control`] reaches every instance of the service. A publisher that
///   is itself subscribed receives its own packets too.
/// - **Order.** Packets handed over by one transport, one after the other (each call awaited before
///   the next is made), reach one subscription in that order, whatever their targets.
/// - **Handing over.** Conduit tells its users whether a message may have reached a handler. So a
///   transport shows when a packet may be routed: [`hand_over`](Self::hand_over) takes the packet
///   out of its argument, and from then on it may be routed, even if the connection breaks first.
///   While the packet is still in its argument, it has not been routed and will not be.
/// - **No duplicates.** A packet is delivered to a subscription at most once.
/// - **Loss is allowed**, if a connection breaks or a buffer is full. Corruption is not.
/// - **Reconnecting.** Subscriptions last until they are left or dropped: after a lost connection
///   the transport reconnects and subscribes again by itself. A subscription that ends by itself
///   means that the transport, or the client behind it, has ended for good: a conduit whose inbox
///   ends is closed.
/// - **Cancel safety.** Every future may be dropped before it completes. A dropped `hand_over` has
///   either taken its packet or not; a dropped `ready` has no effect.
/// - **Any task.** Every method may be called, and every future polled, on any thread: the reader
///   of a binding may poll its subscription, and the next poll may come from another task. A
///   transport that needs the context of a runtime enters it by itself.
///
/// # What brokers differ in
/// - Where a broker tells that something is not permitted by closing what it was asked on, as RabbitMQ does,
///   what is not known to be permitted is published apart from the rest.
/// - Nothing orders one connection or channel against another: where there are several, `leave` first waits
///   for what was published, and a new connection is `Connected` once the subscriptions are in force.
/// - Where a broker hands the packets of a dead member to another, these have to be dropped: the first may
///   have handled them.
/// - Names may have a limit that addresses exceed, which have up to 512 bytes in all.
///
/// # Example
/// ```
/// use bytes::Bytes;
/// use conduit::transport::{Address, Token, Transport, TransportError};
/// use conduit_memory::{Memory, MemorySubscription};
///
/// /// Forwards packets to another transport, and prints their addresses.
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
    /// The stream of packets that [`subscribe`](Self::subscribe) returns.
    type Subscription: Subscription;

    /// Returns the maximum length of a packet, in bytes; at least [`MIN_PACKET_LEN`]. It may change
    /// when the transport connects to another server. Called often, so it has to be cheap.
    fn max_packet_len(&self) -> usize;

    /// Returns the connection to the broker, whose state the transport notes as it changes. `None`,
    /// which is the default, if there is no connection that could be lost.
    fn connection(&self) -> Option<Connection> {
        None
    }

    /// Returns how many bytes of bodies may be on the way to this conduit, if the broker does not
    /// bear as many as conduits allow by default. It may change, for example with the number of
    /// conduits on one connection. Called often, so it has to be cheap.
    ///
    /// `None`, which is the default, if the broker bears them.
    /// [`Builder::body_budget`](crate::Builder::body_budget) overrules it.
    fn body_budget(&self) -> Option<u64> {
        None
    }

    /// Waits until a packet to this address can be handed over, for example until there is a
    /// connection. Returns at once if it can be already. Conduit drops the future when its send
    /// timeout or the deadline of a request passes; then it knows that nothing was sent.
    ///
    /// # Errors
    /// `Closed` after [`close`](Self::close), `Disconnected` if there will be no connection again,
    /// `Other` if none can be used.
    fn ready(&self, to: &Address) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Hands a packet to the broker: takes it out of `packet` at the moment from which it may be
    /// routed, for example when it is in the client's write buffer. Before that it may wait for
    /// room, with the packet still in `packet`, but not for a connection, which
    /// [`ready`](Self::ready) does. After that it may only wait to learn whether the broker permits
    /// the address. To wait until the packet has been routed is the purpose of
    /// [`flush`](Self::flush).
    ///
    /// With `undelivered`, a broker that knows that `to` has no subscriber sends
    /// [`Packet::Undelivered`] with the token to the given address, the inbox of this conduit. A
    /// broker that does not know ignores it; a missing receiver then shows as a timeout.
    ///
    /// # Errors
    /// `Disconnected` if there is no connection; then the packet is still in `packet`.
    /// [`TransportErrorKind::TooLarge`] for a packet longer than
    /// [`max_packet_len`](Self::max_packet_len); `Denied` if the broker reports that it forbids the
    /// address, and therefore has routed nothing; `Closed` after [`close`](Self::close); `Other`
    /// for the rest.
    fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Hands a packet over if that is possible without waiting. Returns `None` if it would have to
    /// wait, for a connection for example; then nothing was handed over and nothing will be, and
    /// Conduit calls [`ready`](Self::ready) and [`hand_over`](Self::hand_over).
    ///
    /// For a small packet, which most are, a future costs more than the packet itself. A transport
    /// that does not implement this is still correct, but slower. Values that it looks up for an
    /// address can be [cached](Destination::remember).
    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let _ = (to, packet, undelivered);
        None
    }

    /// Returns how many of the packets that were handed over have not been written to the
    /// connection, or an estimate. While it is not zero, Conduit collects small packets, and hands
    /// them over together. Called often, so it has to be cheap.
    ///
    /// A transport that does not know returns 0, as it does by default: then every packet travels
    /// alone.
    fn unwritten(&self) -> usize {
        0
    }

    /// Waits until the packets that were handed over before have been written to the connection.
    /// Dropping the future has no effect.
    ///
    /// # Errors
    /// `Closed` after [`close`](Self::close), `Disconnected` if there will be no connection again.
    fn written(&self) -> impl Future<Output = Result<(), TransportError>> + Send {
        async { Ok(()) }
    }

    /// Waits until a packet can be handed over, and hands it over. For using a transport without a
    /// conduit; a transport does not need to implement it.
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

    /// Subscribes to an address. The targets of a subject are `Plain` or `Group` here, never
    /// `Both`. The broker is only sure to route to the subscription after a later
    /// [`flush`](Self::flush).
    ///
    /// Conduit subscribes to its own inbox first, and has at most one subscription to each address
    /// at a time, except that it may subscribe to a subject again while it is leaving it.
    ///
    /// # Errors
    /// `Denied` if the broker forbids it, `Closed` after [`close`](Self::close), `Other` for the
    /// rest.
    fn subscribe(
        &self,
        at: &Address,
    ) -> impl Future<Output = Result<Self::Subscription, TransportError>> + Send;

    /// Waits until the broker has processed everything that this transport has given it: packets
    /// have been routed, and subscriptions receive everything that any client of the same server
    /// publishes from then on.
    ///
    /// # Errors
    /// `Disconnected` if the connection broke meanwhile, `Closed` after [`close`](Self::close).
    fn flush(&self) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Returns a task that the conduit runs beside everything else until it is closed; by default
    /// none. Conduit calls this once, when it starts.
    ///
    /// It is for what a broker has of its own, as NATS has questions for services. `conduit` tells
    /// it about the conduit.
    fn background(&self, conduit: Introduction) -> Option<Task> {
        drop(conduit);
        None
    }

    /// Releases the resources of the transport. Packets published before are still sent; every
    /// later call returns `Closed`, and subscriptions end. A connection that the user created and
    /// passed in stays open.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Waits until a packet can be handed over, and hands it over. If the connection breaks between the
/// two, waits again.
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
        // Ready and disconnected at the same time: the connection is lost for good.
        match future::poll_once(ready.as_mut()).await {
            Some(ready) => return ready.and(handed_over),
            None => ready.await?,
        }
    }
}
