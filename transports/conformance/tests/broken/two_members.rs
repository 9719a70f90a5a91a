//! Gives what is for one member of a group to two.

use bytes::Bytes;
use conduit::transport::{Address, Targets, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

#[derive(Default)]
struct TwoMembers;

impl Fault for TwoMembers {
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
        memory.publish(to, packet.clone(), undelivered).await?;
        if let Address::Subject { service, subject, targets: Targets::Group | Targets::Both } = to {
            let again = Address::Subject {
                service: service.clone(),
                subject: subject.clone(),
                targets: Targets::Group,
            };
            memory.publish(&again, packet, None).await?;
        }
        Ok(())
    }
}

crate::caught! { TwoMembers:
    one_member_gets_a_packet => Queue,
    both_kinds_get_the_same_message => Queue,
    local_queue_bindings_share_the_work => Queue,
}
