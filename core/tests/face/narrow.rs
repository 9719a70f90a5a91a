//! A transport that bears fewer bytes of bodies than conduits allow by default.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use conduit::{
    Builder, Conduit,
    transport::{Address, Token, Transport, TransportError},
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};

use crate::support::{
    sim::Sim,
    world::{Node, TestResult, World, endless},
};

struct Narrow {
    inner: Memory,
    bears: Arc<AtomicU64>,
}

impl Transport for Narrow {
    type Subscription = MemorySubscription;

    fn max_packet_len(&self) -> usize {
        self.inner.max_packet_len()
    }

    fn body_budget(&self) -> Option<u64> {
        Some(self.bears.load(Ordering::SeqCst))
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
        self.inner.hand_over(to, packet, undelivered).await
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

fn narrow(world: &World, bears: &Arc<AtomicU64>) -> Builder<Sim, Narrow, Json> {
    let transport = Narrow { inner: world.broker.clone(), bears: Arc::clone(bears) };
    Conduit::builder("a").runtime(world.sim.clone()).transport(transport).encoder(Json)
}

/// Begins to send bodies that do not end, each from an instance of its own.
async fn send(world: &World, count: usize) -> TestResult<Vec<Node>> {
    let mut senders = Vec::new();
    for _ in 0..count {
        let sender = world.node("b")?;
        drop(world.sim.go(sender.service("a").send_body("x", endless(b"7")).expect(1)));
        world.sim.idle().await;
        senders.push(sender);
    }
    Ok(senders)
}

#[test]
fn bodies_take_no_more_than_the_transport_bears() -> TestResult {
    const BEARS: u64 = 1 << 20;
    World::run(|world| async move {
        let bears = Arc::new(AtomicU64::new(BEARS));
        let node = narrow(&world, &bears).build()?;
        let _binding = node.bind("x").await?;
        let _first = send(&world, 150).await?;
        let held = node.stats().incoming_bytes;
        assert!((BEARS / 8..=BEARS).contains(&held), "{held} bytes");
        // It may bear less later: then no more is accepted.
        bears.store(held / 2, Ordering::SeqCst);
        let _second = send(&world, 4).await?;
        assert_eq!(node.stats().incoming_bytes, held);
        // And more.
        bears.store(16 * BEARS, Ordering::SeqCst);
        let _third = send(&world, 4).await?;
        assert!(node.stats().incoming_bytes > held);
        Ok(())
    })
}

#[test]
fn a_budget_of_the_conduits_own_counts() -> TestResult {
    World::run(|world| async move {
        let node = narrow(&world, &Arc::default()).body_budget(48 << 20).build()?;
        let _binding = node.bind("x").await?;
        let _senders = send(&world, 20).await?;
        assert_eq!(node.stats().incoming_bodies, 20);
        Ok(())
    })
}
