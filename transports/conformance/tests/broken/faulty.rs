//! A transport with a fault: the in-memory one, but for what the fault does.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::transport::{Address, Destination, Subscription, Token, Transport, TransportError};
use conduit_conformance::Broker;
use conduit_memory::Memory;

pub(crate) type Result<T> = std::result::Result<T, TransportError>;
pub(crate) type Undelivered<'a> = Option<(&'a Address, Token)>;

/// What is wrong with a transport. All connections of a broker share it.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    type Subscription: Subscription;
    // Most faults show as something that never happens. That a slow machine is taken for a fault
    // too changes nothing: there is one.
    const PATIENCE: Duration = Duration::from_secs(1);

    fn subscribe(
        &self,
        memory: &Memory,
        at: &Address,
    ) -> impl Future<Output = Result<Self::Subscription>> + Send;

    fn publish(
        &self,
        memory: &Memory,
        to: &Address,
        packet: Bytes,
        undelivered: Undelivered<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        memory.publish(to, packet, undelivered)
    }

    /// Publishes the packet, and takes it if that was done.
    fn hand_over(
        &self,
        memory: &Memory,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Undelivered<'_>,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            if let Some(bytes) = packet.clone() {
                self.publish(memory, to, bytes, undelivered).await?;
                *packet = None;
            }
            Ok(())
        }
    }

    fn publish_now(
        &self,
        _memory: &Memory,
        _to: &Destination,
        _packet: &Bytes,
    ) -> Option<Result<()>> {
        None
    }

    fn flush(&self, memory: &Memory) -> impl Future<Output = Result<()>> + Send {
        memory.flush()
    }
}

/// A broker to which every connection has the fault.
#[derive(Default)]
pub(crate) struct FaultyBroker<F> {
    memory: Memory,
    fault: Arc<F>,
}

/// A connection to it.
pub(crate) struct Faulty<F> {
    memory: Memory,
    fault: Arc<F>,
}

impl<F: Fault> Broker for FaultyBroker<F> {
    type Transport = Faulty<F>;
    const PATIENCE: Duration = F::PATIENCE;

    async fn start() -> Self {
        Self::default()
    }

    async fn connect(&self) -> Faulty<F> {
        Faulty { memory: self.memory.clone(), fault: Arc::clone(&self.fault) }
    }
}

impl<F: Fault> Transport for Faulty<F> {
    type Subscription = F::Subscription;

    fn max_packet_len(&self) -> usize {
        self.memory.max_packet_len()
    }

    async fn ready(&self, to: &Address) -> Result<()> {
        self.memory.ready(to).await
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Undelivered<'_>,
    ) -> Result<()> {
        self.fault.hand_over(&self.memory, to, packet, undelivered).await
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        _undelivered: Undelivered<'_>,
    ) -> Option<Result<()>> {
        self.fault.publish_now(&self.memory, to, &packet)
    }

    async fn subscribe(&self, at: &Address) -> Result<F::Subscription> {
        self.fault.subscribe(&self.memory, at).await
    }

    async fn flush(&self) -> Result<()> {
        self.fault.flush(&self.memory).await
    }

    async fn close(&self) {
        self.memory.close().await;
    }
}
