//! Loses one packet in a hundred, on the way of a request or on the way of its reply.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

/// The packets to an inbox, or those to a subject.
#[derive(Default)]
struct Lossy<const INBOX: bool> {
    published: AtomicU64,
}

impl<const INBOX: bool> Fault for Lossy<INBOX> {
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
        let affected = matches!(to, Address::Inbox { .. }) == INBOX;
        if affected && self.published.fetch_add(1, Ordering::Relaxed) % 100 == 99 {
            return Ok(());
        }
        memory.publish(to, packet, undelivered).await
    }
}

mod requests {
    crate::caught! { super::Lossy<false>:
        one_member_gets_a_packet => Queue,
        replies_reach_their_askers => Replies,
    }
}

mod replies {
    crate::caught! { super::Lossy<true>:
        an_inbox_is_private => Replies,
        replies_reach_their_askers => Replies,
    }
}
