//! Keeps the messages for a group without members, and gives them to the next one.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use conduit::transport::{Address, Packet, Subscription, Targets, Transport};
use conduit_memory::{Memory, MemorySubscription};
use futures_core::Stream;

use crate::faulty::{Fault, Result, Undelivered};

/// The queues of the groups, which outlive their members.
#[derive(Default)]
struct KeptMessages(Arc<Mutex<BTreeMap<Address, Group>>>);

#[derive(Default)]
struct Group {
    members: usize,
    kept: Vec<Bytes>,
}

struct Member {
    old: std::vec::IntoIter<Bytes>,
    packets: MemorySubscription,
    /// Counts it out.
    place: Option<Place>,
}

struct Place(Arc<Mutex<BTreeMap<Address, Group>>>, Address);

impl Drop for Place {
    fn drop(&mut self) {
        let mut groups = self.0.lock().expect("no test panics");
        groups.entry(self.1.clone()).or_default().members -= 1;
    }
}

impl Stream for Member {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        match self.old.next() {
            Some(packet) => Poll::Ready(Some(Packet::Data(packet))),
            None => Pin::new(&mut self.packets).poll_next(cx),
        }
    }
}

impl Subscription for Member {
    async fn leave(&mut self) -> Result<()> {
        self.place = None;
        self.packets.leave().await
    }
}

impl Fault for KeptMessages {
    type Subscription = Member;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<Member> {
        let packets = memory.subscribe(at).await?;
        if !is_group(at) {
            return Ok(Member { old: Vec::new().into_iter(), packets, place: None });
        }
        let mut groups = self.0.lock().expect("no test panics");
        let group = groups.entry(at.clone()).or_default();
        group.members += 1;
        let old = std::mem::take(&mut group.kept).into_iter();
        Ok(Member { old, packets, place: Some(Place(Arc::clone(&self.0), at.clone())) })
    }

    async fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        if is_group(to) {
            let mut groups = self.0.lock().expect("no test panics");
            let group = groups.entry(to.clone()).or_default();
            if group.members == 0 {
                group.kept.push(packet);
                return Ok(());
            }
        }
        memory.publish(to, packet, undelivered).await
    }
}

fn is_group(address: &Address) -> bool {
    matches!(address, Address::Subject { targets: Targets::Group, .. })
}

crate::caught! { KeptMessages:
    a_missing_subscriber_is_noticed => Undelivered,
    a_later_subscriber_gets_nothing_old => Leaving,
}
