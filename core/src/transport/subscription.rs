use std::future::Future;

use bytes::Bytes;
use futures_core::Stream;

use super::{Token, TransportError};

/// The stream of packets of one subscription. Dropping it unsubscribes, and discards unread
/// packets.
///
/// The stream ends when the subscription was left and everything routed to it has been read, or
/// when the transport is closed or has ended for good. A lost connection does not end it.
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
    /// Unsubscribes, and returns when the broker has stopped routing here. Packets that were
    /// already routed here are still yielded, and then the stream ends. Calling it twice has no
    /// effect.
    ///
    /// # Errors
    /// `Disconnected` if there is no connection; then nothing is routed here any more.
    fn leave(&mut self) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// An item of a [`Subscription`].
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
/// let control = Address::Control { service: "closed".parse()? };
/// let token = Token { message: MessageId::from_bytes([1; 16]), targets: Targets::Plain, tag: 7 };
/// memory.publish(&control, "hello".into(), Some((&inbox, token))).await?;
/// assert_eq!(packets.next().await, Some(Packet::Undelivered(token)));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Bytes that were published to the address.
    Data(Bytes),
    /// A notice from the broker: the packet published with this token had no subscriber.
    ///
    /// It arrives on the subscription to the inbox that was given with the packet. If it travels
    /// through the broker, it does so under a separate name, so that clients need no permission to
    /// publish there.
    Undelivered(Token),
}
