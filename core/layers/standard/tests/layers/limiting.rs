use std::{sync::Arc, time::Duration};

use conduit::{Body, Error, ErrorKind, Executed, Message};
use conduit_json::Json;
use conduit_layers::Limit;
use futures_lite::future;

use crate::{Result, World};

/// Waits until it is told to go on.
async fn gated(world: &World) -> Result<(conduit::Conduit<Json>, async_gate::Gate), Error> {
    let gate = async_gate::Gate::default();
    let node = world.node("worker")?;
    let wait = gate.clone();
    node.queue_bind("wait").await?.concurrency(100).to(move |message: Message<Json>| {
        let wait = wait.clone();
        async move {
            wait.opened().await;
            message.reply("done").await
        }
    });
    node.queue_bind("stream")
        .await?
        .to(async |message: Message<Json>| message.reply_body(Body::from(vec![7; 200_000])).await);
    Ok((node, gate))
}

/// Something to wait for.
mod async_gate {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use event_listener::Event;

    #[derive(Clone, Default)]
    pub(super) struct Gate(Arc<(AtomicBool, Event)>);

    impl Gate {
        pub(super) fn open(&self) {
            self.0.0.store(true, Ordering::SeqCst);
            self.0.1.notify(usize::MAX);
        }

        pub(super) async fn opened(&self) {
            loop {
                let opened = self.0.1.listen();
                if self.0.0.load(Ordering::SeqCst) {
                    return;
                }
                opened.await;
            }
        }
    }
}

#[test]
fn calls_beyond_it_fail_and_permits_come_back() -> Result {
    World::run(|world| async move {
        let (node, gate) = gated(&world).await?;
        let limit = Limit::outbound(2);
        let service = node.own_service().layer(limit.clone());
        let mut calls: Vec<_> = (0..2).map(|_| Box::pin(service.request("wait", "x"))).collect();
        for call in &mut calls {
            assert!(future::poll_once(call).await.is_none());
        }
        assert_eq!(limit.in_flight(), 2);
        let error = service.send("wait", "x").await.expect_err("two are in flight");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::No));
        // A call that is dropped gives its permit back.
        drop(calls.pop());
        assert_eq!(limit.in_flight(), 1);
        service.send("wait", "x").await?;
        gate.open();
        calls.pop().ok_or("there is one")?.await?;
        assert_eq!(limit.in_flight(), 0);
        Ok(())
    })
}

#[test]
fn a_permit_is_held_until_the_last_byte_of_the_reply() -> Result {
    World::run(|world| async move {
        let (node, _) = gated(&world).await?;
        let limit = Limit::outbound(1);
        let service = node.own_service().layer(limit.clone());
        let reply = service.request("stream", "x").await?;
        assert_eq!(limit.in_flight(), 1);
        service.request("stream", "x").await.expect_err("it is still being read");
        assert_eq!(reply.to_bytes().await?.len(), 200_000);
        assert_eq!(limit.in_flight(), 0);
        drop(reply);
        let unread = service.request("stream", "x").await?;
        drop(unread);
        assert_eq!(limit.in_flight(), 0);
        Ok(())
    })
}

#[test]
fn calls_may_wait_in_order_and_not_beyond_their_deadline() -> Result {
    World::run(|world| async move {
        let (node, gate) = gated(&world).await?;
        let limit = Limit::outbound(1).waiting(3);
        let service = node.own_service().layer(limit.clone());
        let mut order = Vec::new();
        let first = service.request("wait", "x");
        let second = service.request("wait", "x").timeout(Duration::from_secs(3));
        let mut calls: Vec<_> =
            [first, second, service.request("wait", "x"), service.request("wait", "x")]
                .map(Box::pin)
                .into();
        for call in &mut calls {
            assert!(future::poll_once(call).await.is_none());
        }
        service.request("wait", "x").await.expect_err("too many wait");
        let error = calls.remove(1).await.expect_err("its deadline passes");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::No));
        // One that waits gives its place up, and what it was told of.
        assert!(format!("{limit:?}").contains("waiting: 2"), "{limit:?}");
        gate.open();
        for (number, call) in calls.into_iter().enumerate() {
            call.await?;
            order.push(number);
        }
        assert_eq!((order, limit.in_flight()), (vec![0, 1, 2], 0));
        Ok(())
    })
}

#[test]
fn messages_beyond_it_go_to_another_member_or_are_refused() -> Result {
    World::run(|world| async move {
        let limits = [Limit::inbound(2), Limit::inbound(2)];
        let gate = async_gate::Gate::default();
        for limit in &limits {
            let node = world.builder("worker").layer(limit.clone()).build()?;
            let wait = gate.clone();
            node.queue_bind("wait").await?.layer(Limit::inbound(9)).concurrency(9).to(
                move |message: Message<Json>| {
                    let wait = wait.clone();
                    async move {
                        wait.opened().await;
                        message.reply("done").await
                    }
                },
            );
            std::mem::forget(node);
        }
        let client = world.node("client")?;
        let service = client.service("worker");
        let ask = |body: Body| service.request_body("wait", body);
        let mut calls = Vec::new();
        for number in 0..4 {
            let body = if number % 2 == 0 { Body::from("x") } else { Body::from(vec![7; 50_000]) };
            let mut call = Box::pin(ask(body));
            assert!(future::poll_once(&mut call).await.is_none());
            world.sim.sleep(Duration::from_millis(100)).await;
            assert!(future::poll_once(&mut call).await.is_none());
            calls.push(call);
        }
        assert_eq!(limits.each_ref().map(Limit::in_flight), [2, 2]);
        let asked = ask(Body::from("x")).timeout(Duration::from_secs(2)).await;
        let error = asked.expect_err("both are full");
        assert_eq!(error.kind(), ErrorKind::Overloaded, "{error:?}");
        gate.open();
        for call in calls {
            call.await?;
        }
        world.sim.sleep(Duration::from_secs(20)).await;
        assert_eq!(limits.each_ref().map(Limit::in_flight), [0, 0]);
        Ok(())
    })
}

#[test]
fn the_permit_of_a_message_is_not_kept_by_what_it_causes() -> Result {
    World::run(|world| async move {
        let limit = Limit::inbound(1);
        let node = world.builder("worker").layer(limit.clone()).build()?;
        let kept = Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        node.queue_bind("keep").await?.to(move |message: Message<Json>| {
            let keep = Arc::clone(&keep);
            async move {
                let client = message.service("nobody");
                client.send("note", "x").await?;
                keep.lock().expect("it does not panic").push(client);
                message.reply("done").await
            }
        });
        let mut taken = node.queue_bind("take").await?;
        let own = node.own_service();
        own.request("keep", "x").await?;
        world.sim.sleep(Duration::from_millis(1)).await;
        assert_eq!(limit.in_flight(), 0);
        own.send("take", "x").await?;
        let message = taken.next().await.ok_or("it is bound")?;
        assert_eq!(limit.in_flight(), 1, "until it is dropped");
        drop(message);
        assert_eq!(limit.in_flight(), 0);
        Ok(())
    })
}
