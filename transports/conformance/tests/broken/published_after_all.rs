//! Publishes at once, and says that it did not.

use bytes::Bytes;
use conduit::transport::{Address, Destination, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result};

#[derive(Default)]
struct PublishedAfterAll;

impl Fault for PublishedAfterAll {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }

    fn publish_now(&self, memory: &Memory, to: &Destination, packet: &Bytes) -> Option<Result<()>> {
        let _ = memory.publish_now(to, packet.clone(), None);
        None
    }
}

crate::caught! { PublishedAfterAll:
    a_packet_comes_once => Packets,
    every_bind_gets_every_message => Broadcast,
}
