//! Hands a packet over, and keeps it; or takes one that it does not hand over.

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

/// Keeps what it has handed over, or loses what is refused.
#[derive(Default)]
struct Keeping<const HANDED_OVER: bool>;

impl<const HANDED_OVER: bool> Fault for Keeping<HANDED_OVER> {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }

    async fn hand_over(
        &self,
        memory: &Memory,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        let mut taken = if HANDED_OVER { packet.clone() } else { packet.take() };
        memory.hand_over(to, &mut taken, undelivered).await
    }
}

mod handed_over {
    crate::caught! { super::Keeping<true>:
        a_packet_is_handed_over_or_kept => Packets,
    }
}

mod refused {
    crate::caught! { super::Keeping<false>:
        a_packet_is_handed_over_or_kept => Packets,
    }
}
