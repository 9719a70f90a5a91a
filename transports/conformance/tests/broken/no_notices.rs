//! Forgets to tell that nobody was subscribed.

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

#[derive(Default)]
struct NoNotices;

impl Fault for NoNotices {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }

    async fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        _undelivered: Undelivered<'_>,
    ) -> Result<()> {
        memory.publish(to, packet, None).await
    }
}

crate::caught! { NoNotices:
    a_missing_subscriber_is_noticed => Undelivered,
    a_request_to_nobody_fails_at_once => Undelivered,
    a_body_to_nobody_has_no_receivers => Undelivered,
}
