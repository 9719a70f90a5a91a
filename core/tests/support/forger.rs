//! A transport whose inbox is also given notices that no broker has sent.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use conduit::{
    Conduit, Error,
    transport::{Address, Packet, Subscription, Token, Transport, TransportError},
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::Stream;

use super::world::{Node, World};

/// What a receiver of packets sees of the tokens that they were published with, and what it makes of
/// them.
pub(crate) struct Forger {
    seen: Arc<Mutex<Vec<Token>>>,
    forged: Sender<Token>,
}

impl Forger {
    /// A conduit, and a forger that sees the tokens of all its packets.
    pub(crate) fn of(world: &World, service: &str) -> Result<(Node, Self), Error> {
        let (seen, (sender, forged)) = (Arc::default(), async_channel::unbounded());
        let (inner, forger) = (world.broker.clone(), Self { seen, forged: sender });
        let transport = Seen { inner, seen: Arc::clone(&forger.seen), forged };
        Ok((Conduit::new(service, world.sim.clone(), transport, Json)?, forger))
    }

    /// The tokens so far, in the order of their packets.
    pub(crate) fn seen(&self) -> Vec<Token> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that nobody was subscribed to what had this token.
    pub(crate) fn forge(&self, token: Token) {
        self.forged.try_send(token).expect("the conduit lives");
    }
}

struct Seen {
    inner: Memory,
    seen: Arc<Mutex<Vec<Token>>>,
    forged: Receiver<Token>,
}

struct SeenSubscription {
    inner: MemorySubscription,
    forged: Option<Pin<Box<Receiver<Token>>>>,
}

impl Transport for Seen {
    type Subscription = SeenSubscription;

    fn max_packet_len(&self) -> usize {
        self.inner.max_packet_len()
    }

    async fn ready(&self, to: &Address) -> Result<(), TransportError> {
        self.inner.ready(to).await
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        if let Some((_, token)) = undelivered {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(token);
        }
        self.inner.hand_over(to, packet, undelivered).await
    }

    async fn subscribe(&self, at: &Address) -> Result<SeenSubscription, TransportError> {
        let is_inbox = matches!(at, Address::Inbox { .. });
        let forged = is_inbox.then(|| Box::pin(self.forged.clone()));
        Ok(SeenSubscription { inner: self.inner.subscribe(at).await?, forged })
    }

    async fn flush(&self) -> Result<(), TransportError> {
        self.inner.flush().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl Stream for SeenSubscription {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        if let Some(forged) = &mut self.forged
            && let Poll::Ready(Some(token)) = forged.as_mut().poll_next(cx)
        {
            return Poll::Ready(Some(Packet::Undelivered(token)));
        }
        Pin::new(&mut self.inner).poll_next(cx)
    }
}

impl Subscription for SeenSubscription {
    async fn leave(&mut self) -> Result<(), TransportError> {
        self.inner.leave().await
    }
}
