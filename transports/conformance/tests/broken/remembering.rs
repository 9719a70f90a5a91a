//! Remembers that it has published to a destination, and takes the next packet to it for the same.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use conduit::transport::{Address, Destination, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result};

#[derive(Default)]
struct Remembering;

impl Fault for Remembering {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }

    fn publish_now(&self, memory: &Memory, to: &Destination, packet: &Bytes) -> Option<Result<()>> {
        let was_published = to.remember(|_| AtomicBool::new(false))?;
        if was_published.swap(true, Ordering::Relaxed) {
            return Some(Ok(()));
        }
        memory.publish_now(to, packet.clone(), None)
    }
}

crate::caught! { Remembering:
    packets_keep_their_order => Order,
    every_bind_gets_every_message => Broadcast,
}
