//! Does not notice that a member of a group is gone.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use conduit::transport::{Address, Packet, Subscription, Targets, Transport};
use conduit_memory::{Memory, MemorySubscription};
use futures_core::Stream;

use crate::faulty::{Fault, Result};

type Dead = Arc<Mutex<Vec<MemorySubscription>>>;

/// Its members live on when they are dropped.
#[derive(Default)]
struct DeadMember(Dead);

struct Member {
    alive: Option<MemorySubscription>,
    dead: Option<Dead>,
}

impl Stream for Member {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        let alive = self.alive.as_mut().expect("it is not dropped");
        Pin::new(alive).poll_next(cx)
    }
}

impl Subscription for Member {
    async fn leave(&mut self) -> Result<()> {
        self.dead = None;
        self.alive.as_mut().expect("it is not dropped").leave().await
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let (Some(alive), Some(dead)) = (self.alive.take(), &self.dead) {
            dead.lock().expect("no test panics").push(alive);
        }
    }
}

impl Fault for DeadMember {
    type Subscription = Member;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<Member> {
        let is_group = matches!(at, Address::Subject { targets: Targets::Group, .. });
        let alive = Some(memory.subscribe(at).await?);
        Ok(Member { alive, dead: is_group.then(|| Arc::clone(&self.0)) })
    }
}

crate::caught! { DeadMember:
    a_dropped_member_takes_nothing => Queue,
}
