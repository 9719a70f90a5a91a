//! Lets one packet in ten overtake the one before it.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use conduit::transport::{Address, Transport};
use conduit_memory::{Memory, MemorySubscription};

use crate::faulty::{Fault, Result, Undelivered};

#[derive(Default)]
struct Reordering {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    published: u64,
    held: Option<(Address, Bytes)>,
}

impl Reordering {
    /// Holds a packet back, or gives the one that was.
    fn swap(&self, to: &Address, packet: &Bytes) -> Swap {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.published += 1;
        match state.held.take() {
            Some((address, packet)) => Swap::Then(address, packet),
            None if state.published.is_multiple_of(10) => {
                state.held = Some((to.clone(), packet.clone()));
                Swap::Held
            }
            None => Swap::Nothing,
        }
    }
}

enum Swap {
    Nothing,
    Held,
    /// After this one comes another.
    Then(Address, Bytes),
}

impl Fault for Reordering {
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
        // Only what goes to subjects, and what nobody wants to know of.
        if undelivered.is_some() || !matches!(to, Address::Subject { .. }) {
            return memory.publish(to, packet, undelivered).await;
        }
        match self.swap(to, &packet) {
            Swap::Held => Ok(()),
            Swap::Nothing => memory.publish(to, packet, None).await,
            Swap::Then(address, held) => {
                memory.publish(to, packet, None).await?;
                memory.publish(&address, held, None).await
            }
        }
    }
}

crate::caught! { Reordering:
    packets_keep_their_order => Order,
    every_bind_gets_every_message => Broadcast,
}
