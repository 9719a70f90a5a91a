//! A transport that can be cut off.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use conduit::{
    Conduit, Error,
    transport::{Address, Packet, Subscription, Token, Transport, TransportError},
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::{Stream, StreamExt as _};

use super::world::{Node, World};

type Switch = Arc<AtomicBool>;

fn is_on(switch: &Switch) -> bool {
    switch.load(Ordering::SeqCst)
}

/// A conduit, and what cuts it off: its transport then takes and yields nothing, for ever.
pub(crate) fn cut_off(world: &World) -> Result<(Node, impl Fn() + use<>), Error> {
    let cut = Switch::default();
    let transport = Cut { inner: world.broker.clone(), cut: Arc::clone(&cut) };
    let node = Conduit::new("cut", world.sim.clone(), transport, Json)?;
    Ok((node, move || cut.store(true, Ordering::SeqCst)))
}

/// Passes packets on until it is cut off: then it takes and yields nothing.
struct Cut {
    inner: Memory,
    cut: Switch,
}

struct CutSubscription {
    inner: MemorySubscription,
    cut: Switch,
}

impl Transport for Cut {
    type Subscription = CutSubscription;

    fn max_packet_len(&self) -> usize {
        self.inner.max_packet_len()
    }

    async fn ready(&self, to: &Address) -> Result<(), TransportError> {
        if is_on(&self.cut) {
            pending::<()>().await;
        }
        self.inner.ready(to).await
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        if is_on(&self.cut) {
            pending::<()>().await;
        }
        self.inner.hand_over(to, packet, undelivered).await
    }

    async fn subscribe(&self, at: &Address) -> Result<CutSubscription, TransportError> {
        let inner = self.inner.subscribe(at).await?;
        let cut = Arc::clone(&self.cut);
        Ok(CutSubscription { inner, cut })
    }

    async fn flush(&self) -> Result<(), TransportError> {
        if is_on(&self.cut) {
            pending::<()>().await;
        }
        self.inner.flush().await
    }

    async fn close(&self) {
        if is_on(&self.cut) {
            pending::<()>().await;
        }
        self.inner.close().await;
    }
}

impl Stream for CutSubscription {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        if is_on(&self.cut) {
            return Poll::Pending;
        }
        self.inner.poll_next(cx)
    }
}

impl Subscription for CutSubscription {
    async fn leave(&mut self) -> Result<(), TransportError> {
        if is_on(&self.cut) {
            pending::<()>().await;
        }
        self.inner.leave().await
    }
}
