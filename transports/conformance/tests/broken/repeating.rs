//! Gives one packet in ten twice.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

#[derive(Default)]
struct Repeating {
    published: AtomicU64,
}

impl Fault for Repeating {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }

    async fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        if self.published.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
            memory.publish(to, packet.clone(), None).await?;
        }
        memory.publish(to, packet, undelivered).await
    }
}

crate::caught! { Repeating:
    a_packet_comes_once => Packets,
    both_kinds_get_the_same_message => Queue,
    every_bind_gets_every_message => Broadcast,
}
