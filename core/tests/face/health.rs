//! What a conduit says about its health.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    Conduit, ConduitState, ErrorKind, Runtime as _,
    transport::{
        Address,
        ConnectionState::{self, Connected, Disconnected},
        ConnectionStatus, Token, Transport, TransportError,
    },
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::StreamExt;

use crate::support::world::{TestResult, World, millis, secs};

#[test]
fn a_conduit_runs_drains_and_is_closed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let message_held = {
            let mut jobs = node.queue_bind("job").await?;
            node.own_service().send("job", &1).await?;
            jobs.next().await.ok_or("it is bound")?
        };
        assert_eq!(node.state(), ConduitState::Running);
        let other = node.clone();
        let draining = world.sim.go(async move { other.drain(secs(60)).await });
        while node.state() == ConduitState::Running {
            world.sim.sleep_until(world.sim.now() + millis(1)).await;
        }
        assert_eq!(node.state(), ConduitState::Draining);
        let error = node.ready(secs(1)).await.expect_err("it takes nothing new");
        assert_eq!(error.kind(), ErrorKind::Closed);
        let other = node.clone();
        let closed = world.sim.go(async move { other.closed().await });
        assert!(closed.is_empty());
        drop(message_held);
        closed.recv().await?;
        draining.recv().await?;
        assert_eq!(node.state(), ConduitState::Closed);
        assert!(ConduitState::Running < ConduitState::Closed);
        node.closed().await;
        assert_eq!(node.ready(secs(1)).await.expect_err("closed").kind(), ErrorKind::Closed);
        Ok(())
    })
}

#[test]
fn a_conduit_that_ends_by_itself_is_closed_too() -> TestResult {
    World::run(|world| async move {
        let transport = world.broker.clone();
        let builder = Conduit::builder("worker").runtime(world.sim.clone());
        // Another handle to the same connection, as the client of a broker is one.
        let shared = Arc::new(transport);
        let node = builder.transport(Shared(Arc::clone(&shared))).encoder(Json).build()?;
        node.ready(secs(1)).await?;
        let states: Vec<_> = {
            shared.close().await;
            node.closed().await;
            node.connection_changes().collect().await
        };
        assert_eq!(node.state(), ConduitState::Closed);
        assert_eq!(states.len(), 1, "the last one, and then the end: {states:?}");
        Ok(())
    })
}

/// A transport that the test keeps too.
struct Shared(Arc<Memory>);

impl Transport for Shared {
    type Subscription = MemorySubscription;

    fn max_packet_len(&self) -> usize {
        self.0.max_packet_len()
    }

    async fn ready(&self, to: &Address) -> Result<(), TransportError> {
        self.0.ready(to).await
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        self.0.hand_over(to, packet, undelivered).await
    }

    async fn subscribe(&self, at: &Address) -> Result<Self::Subscription, TransportError> {
        self.0.subscribe(at).await
    }

    async fn flush(&self) -> Result<(), TransportError> {
        self.0.flush().await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

#[test]
fn a_connection_shows_each_change_once_and_since_when() -> TestResult {
    World::run(|world| async move {
        let transport = world.broker.clone();
        let link = transport.link();
        let builder = Conduit::builder("worker").runtime(world.sim.clone());
        let node = builder.transport(transport).encoder(Json).build()?;
        let other = world.node("other")?;
        let start = world.sim.now();
        let (mut changes, mut others) = (node.connection_changes(), other.connection_changes());
        let mut expect = async |state: ConnectionState, since| {
            let ConnectionStatus { state: found, since: at, .. } = changes.next().await?;
            Some((found, at) == (state, start + since))
        };
        assert_eq!(expect(Connected, secs(0)).await, Some(true));
        node.ready(secs(1)).await?;

        world.sim.sleep_until(start + secs(2)).await;
        link.disconnect();
        assert_eq!(expect(Disconnected, secs(2)).await, Some(true));
        assert_eq!(node.connection().since, start + secs(2));
        let error = node.ready(secs(1)).await.expect_err("there is no connection");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert_eq!(world.elapsed(), secs(3));

        // It is ready as soon as it can be.
        let reconnecting = link.clone();
        let sim = world.sim.clone();
        world.sim.go(async move {
            sim.sleep_until(start + secs(20)).await;
            reconnecting.reconnect();
        });
        node.ready(secs(60)).await?;
        assert_eq!(world.elapsed(), secs(20));
        assert_eq!(expect(Connected, secs(20)).await, Some(true));

        world.broker.stop_broker();
        link.disconnect();
        world.broker.start_broker();
        world.broker.start_broker();
        link.reconnect();
        node.close().await;
        assert_eq!(expect(Disconnected, secs(20)).await, Some(true));
        assert_eq!(expect(Connected, secs(20)).await, Some(true));
        assert_eq!(changes.next().await, None, "it is closed");

        let states = [others.next().await, others.next().await, others.next().await];
        let states = states.map(|status| status.map(|status| status.state));
        assert_eq!(states, [Some(Connected), Some(Disconnected), Some(Connected)]);
        Ok(())
    })
}

#[test]
fn a_conduit_without_an_inbox_is_not_ready() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").send_timeout(secs(1)).build()?;
        world.broker.stop_broker();
        let error = node.ready(secs(7)).await.expect_err("it has no inbox");
        assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Disconnected, secs(7)));
        // Without a limit that can be reached, it waits.
        let forever = node.clone();
        let ready = world.sim.go(async move { forever.ready(Duration::MAX).await });
        world.sim.sleep_until(world.sim.now() + secs(100)).await;
        assert!(ready.is_empty());
        world.broker.start_broker();
        ready.recv().await??;
        Ok(())
    })
}
