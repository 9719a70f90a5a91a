//! A transport whose connection can be made busy.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use conduit::{
    Builder, Conduit,
    transport::{Address, Destination, Token, Transport, TransportError, TransportErrorKind},
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};
use event_listener::Event;
use futures_lite::future;

use super::{sim::Sim, world::World};

/// Controls the connection of a conduit.
#[derive(Clone, Default)]
pub(crate) struct Control(Arc<ControlState>);

#[derive(Default)]
struct ControlState {
    busy: AtomicBool,
    full: AtomicBool,
    broken: AtomicBool,
    max_packet_len: AtomicUsize,
    changed: Event,
    published: Mutex<Vec<(Address, Bytes)>>,
}

/// A connection whose packets count as unwritten while it is busy, and that takes none without
/// waiting while it is full. They arrive nevertheless.
pub(crate) struct Busy {
    inner: Memory,
    control: Control,
}

/// Returns the builder of a conduit on such a connection, and its control.
pub(crate) fn busy(world: &World, service: &str) -> (Builder<Sim, Busy, Json>, Control) {
    let control = Control::default();
    control.0.max_packet_len.store(world.broker.max_packet_len(), Ordering::SeqCst);
    let transport = Busy { inner: world.broker.clone(), control: control.clone() };
    let builder = Conduit::builder(service).runtime(world.sim.clone());
    (builder.transport(transport).encoder(Json), control)
}

impl Control {
    /// Sets whether packets wait in the connection.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.0.busy.store(busy, Ordering::SeqCst);
        self.0.changed.notify(usize::MAX);
    }

    /// Sets whether no packet is taken.
    pub(crate) fn set_full(&self, full: bool) {
        self.0.full.store(full, Ordering::SeqCst);
        self.0.changed.notify(usize::MAX);
    }

    /// Lets every packet fail from now on.
    pub(crate) fn break_it(&self) {
        self.0.broken.store(true, Ordering::SeqCst);
    }

    pub(crate) fn set_max_packet_len(&self, length: usize) {
        self.0.max_packet_len.store(length, Ordering::SeqCst);
    }

    /// Returns the packets that the connection has taken since the last call, for some addresses.
    pub(crate) fn take_published(&self, wanted: impl Fn(&Address) -> bool) -> Vec<Bytes> {
        let published =
            std::mem::take(&mut *self.0.published.lock().unwrap_or_else(PoisonError::into_inner));
        published.into_iter().filter(|(to, _)| wanted(to)).map(|(_, packet)| packet).collect()
    }

    async fn until(&self, holds: impl Fn(&ControlState) -> bool) {
        loop {
            let changed = self.0.changed.listen();
            if holds(&self.0) {
                return;
            }
            changed.await;
        }
    }

    fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }
}

impl Transport for Busy {
    type Subscription = MemorySubscription;

    fn max_packet_len(&self) -> usize {
        self.control.0.max_packet_len.load(Ordering::SeqCst)
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
        self.control.until(|control| !Control::is(&control.full)).await;
        let length = packet.as_ref().map_or(0, Bytes::len);
        if length > self.max_packet_len() {
            return Err(TransportErrorKind::TooLarge.into());
        }
        if Control::is(&self.control.0.broken) {
            return Err(TransportErrorKind::Denied.into());
        }
        if let Some(packet) = packet.clone() {
            let mut published =
                self.control.0.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.push((to.clone(), packet));
        }
        self.inner.hand_over(to, packet, undelivered).await
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let mut packet = Some(packet);
        let publish = self.hand_over(to.address(), &mut packet, undelivered);
        future::block_on(future::poll_once(publish))
    }

    fn unwritten(&self) -> usize {
        usize::from(Control::is(&self.control.0.busy))
    }

    async fn written(&self) -> Result<(), TransportError> {
        self.control.until(|control| !Control::is(&control.busy)).await;
        Ok(())
    }

    async fn subscribe(&self, at: &Address) -> Result<MemorySubscription, TransportError> {
        self.inner.subscribe(at).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        self.inner.flush().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
