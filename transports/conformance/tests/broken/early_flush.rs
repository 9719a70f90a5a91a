//! Does not wait in `flush`: the broker makes a subscription only after the next packet.

use std::{
    mem,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use conduit::transport::{Address, Packet, Subscription, Transport};
use conduit_memory::{Memory, MemorySubscription};
use futures_core::Stream;

use crate::faulty::{Fault, Result, Undelivered};

/// What the broker has not heard of yet.
#[derive(Default)]
struct EarlyFlush {
    on_their_way: Mutex<Vec<Waiting>>,
}

struct Waiting {
    memory: Memory,
    at: Address,
    made: Sender<MemorySubscription>,
}

enum Later {
    OnItsWay(Pin<Box<Receiver<MemorySubscription>>>),
    Made(MemorySubscription),
}

impl Stream for Later {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        loop {
            match &mut *self {
                Self::Made(made) => return Pin::new(made).poll_next(cx),
                Self::OnItsWay(on_its_way) => match ready!(on_its_way.as_mut().poll_next(cx)) {
                    Some(made) => *self = Self::Made(made),
                    None => return Poll::Ready(None),
                },
            }
        }
    }
}

impl Subscription for Later {
    async fn leave(&mut self) -> Result<()> {
        match self {
            Self::Made(made) => made.leave().await,
            Self::OnItsWay(on_its_way) => {
                on_its_way.close();
                Ok(())
            }
        }
    }
}

impl Fault for EarlyFlush {
    type Subscription = Later;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<Later> {
        let (made, on_its_way) = async_channel::bounded(1);
        let waiting = Waiting { memory: memory.clone(), at: at.clone(), made };
        let mut all = self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(waiting);
        Ok(Later::OnItsWay(Box::pin(on_its_way)))
    }

    async fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        memory.publish(to, packet, undelivered).await?;
        let arrived = {
            let mut all = self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner);
            mem::take(&mut *all)
        };
        for Waiting { memory, at, made } in arrived {
            made.try_send(memory.subscribe(&at).await?).ok();
        }
        Ok(())
    }
}

crate::caught! { EarlyFlush:
    a_flushed_subscription_is_in_force => Binding,
    what_is_sent_after_bind_arrives => Binding,
}
