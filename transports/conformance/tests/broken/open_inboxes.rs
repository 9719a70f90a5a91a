//! Gives what is for one inbox to those of its siblings too.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

#[derive(Default)]
struct OpenInboxes {
    inboxes: Mutex<BTreeSet<Address>>,
}

impl OpenInboxes {
    fn siblings(&self, of: &Address) -> Vec<Address> {
        let inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let others = inboxes.iter().filter(|inbox| *inbox != of);
        let siblings = others.filter(|inbox| inbox.service() == of.service());
        siblings.cloned().collect()
    }
}

impl Fault for OpenInboxes {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        if matches!(at, Address::Inbox { .. }) {
            let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            inboxes.insert(at.clone());
        }
        memory.subscribe(at).await
    }

    async fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        if matches!(to, Address::Inbox { .. }) {
            for sibling in self.siblings(to) {
                memory.publish(&sibling, packet.clone(), None).await?;
            }
        }
        memory.publish(to, packet, undelivered).await
    }
}

crate::caught! { OpenInboxes:
    an_inbox_is_private => Replies,
}
