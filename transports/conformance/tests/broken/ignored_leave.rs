//! Says that it has left, and goes on listening.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use conduit::transport::{Address, Packet, Subscription, Transport};
use conduit_memory::{Memory, MemorySubscription};
use futures_core::Stream;

use crate::faulty::{Fault, Result};

#[derive(Default)]
struct IgnoredLeave;

struct Stays(MemorySubscription);

impl Stream for Stays {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl Subscription for Stays {
    async fn leave(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Fault for IgnoredLeave {
    type Subscription = Stays;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<Stays> {
        memory.subscribe(at).await.map(Stays)
    }
}

crate::caught! { IgnoredLeave:
    a_left_subscription_ends => Leaving,
    an_unbound_binding_ends => Leaving,
    members_leave_without_loss => Leaving,
}
