use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use conduit::transport::{Packet, Subscription, TransportError, TransportErrorKind};
use futures_core::Stream;

use crate::{broker::Broker, queue::Queue};

/// The stream of packets of one subscription to a [`Memory`](crate::Memory) broker, in order.
///
/// Dropping it unsubscribes, discards unread packets, and wakes publishers that wait for room.
///
/// ```
/// use conduit::transport::{Address, Packet, Transport};
/// use conduit_memory::Memory;
/// use futures_lite::StreamExt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # futures_lite::future::block_on(async {
/// let memory = Memory::new();
/// let control = Address::Control { service: "shop".parse()? };
/// let mut packets = memory.subscribe(&control).await?;
/// memory.publish(&control, "hello".into(), None).await?;
/// assert_eq!(packets.next().await, Some(Packet::Data("hello".into())));
/// # Ok(())
/// # })
/// # }
/// ```
pub struct MemorySubscription {
    broker: Arc<Broker>,
    id: u64,
    queue: Arc<Queue>,
}

impl MemorySubscription {
    pub(crate) fn new(broker: Arc<Broker>, id: u64, queue: Arc<Queue>) -> Self {
        Self { broker, id, queue }
    }
}

impl Stream for MemorySubscription {
    type Item = Packet;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        self.queue.poll_pop(cx)
    }
}

impl Subscription for MemorySubscription {
    /// Returns at once, and fails only if a test has broken the connection.
    async fn leave(&mut self) -> Result<(), TransportError> {
        self.broker.leave(self.id);
        if self.queue.is_online() { Ok(()) } else { Err(TransportErrorKind::Disconnected.into()) }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.broker.forget(self.id);
    }
}

impl fmt::Debug for MemorySubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySubscription")
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}
