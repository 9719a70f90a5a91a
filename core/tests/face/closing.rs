use conduit::{Error, ErrorKind, Executed};

use crate::support::{
    cut::cut_off,
    world::{Node, TestResult, World, endless, pattern, secs},
};

async fn every_call(node: &Node) -> [Result<(), Error>; 7] {
    let own = node.own_service();
    [
        node.bind("x").await.map(drop),
        node.bind_once("x").await.map(drop),
        node.queue_bind("x").await.map(drop),
        own.send("x", &1).await.map(drop),
        own.send_body("x", pattern(100_000)).await.map(drop),
        own.request("x", &1).await.map(drop),
        own.request_body("x", endless(b"first")).no_timeout().await.map(drop),
    ]
}

#[test]
fn every_call_after_close_is_closed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let worker = node.queue_bind("x").await?.to(|_| async {});
        let asked = world.sim.go(node.own_service().request("y", &1));
        node.own_service().send("x", &1).await?;
        let message = {
            let asking = world.node("b")?;
            let asking = world.sim.go(asking.service("a").request("x", &1));
            let message = bound.next().await.expect("it is bound");
            drop(asking);
            message
        };
        asked.recv().await?.map(drop).expect_err("nobody is bound");
        node.close().await;
        node.close().await;
        for (at, result) in every_call(&node).await.into_iter().enumerate() {
            let error = result.expect_err("it is closed");
            assert_eq!(error.kind(), ErrorKind::Closed, "{at}: {error:?}");
        }
        let reply = message.reply(&1).await;
        assert!(
            matches!(reply, Err(error) if matches!(error.kind(), ErrorKind::Closed | ErrorKind::NotARequest))
        );
        assert!(bound.next().await.is_none());
        assert!(!bound.is_bound() && !worker.is_bound());
        bound.unbind().await;
        worker.unbind().await;
        let node2 = node.bind("x").await.map(|bound| bound.until(async {}));
        assert!(node2.is_err());
        assert_eq!(world.elapsed(), secs(1), "the message was kept until the limit");
        // The asker asks again, and learns that nobody is left.
        world.sim.sleep(secs(1)).await;
        assert_eq!((world.broker.subscriptions(), world.broker.queued()), (0, 0));
        assert_eq!(world.sim.timers(), 0);
        Ok(())
    })
}

#[test]
fn close_ends_what_is_in_flight() -> TestResult {
    World::run(|world| async move {
        let (node, peer) = (world.node("a")?, world.node("b")?);
        let mut bound = peer.queue_bind("x").await?;
        let service = node.service("b");
        let asking = world.sim.go(service.request("x", &1).no_timeout());
        let first = bound.next().await.expect("it is bound");
        let sending = world.sim.go(service.send_body("x", endless(b"second")));
        let second = bound.next().await.expect("it is bound");
        let body = endless(b"third");
        let uploading = world.sim.go(service.request_body("x", body).no_timeout());
        let third = bound.next().await.expect("it is bound");
        let fourth = world.sim.go(service.request("x", &4).no_timeout());
        let message = bound.next().await.expect("it is bound");
        let replying = world.sim.go(message.reply_body(endless(b"fourth")));
        let reply = fourth.recv().await??;
        let binding = world.sim.go({
            let node = node.clone();
            async move { node.bind("late").await.map(drop) }
        });
        node.close().await;

        for asked in [asking, uploading] {
            let error = asked.recv().await?.map(drop).expect_err("it is closed");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Closed, Executed::Maybe));
        }
        let errors = [
            sending.recv().await?.map(drop).expect_err("it is closed"),
            second.to_bytes().await.expect_err("its sender is closed"),
            third.to_bytes().await.expect_err("its sender is closed"),
            reply.to_bytes().await.expect_err("its reader is closed"),
            replying.recv().await?.expect_err("its asker is closed"),
        ];
        for (at, error) in errors.iter().enumerate() {
            assert_eq!(error.kind(), ErrorKind::Closed, "{at}: {error:?}");
        }
        binding.recv().await?.ok();
        drop((first, message, second, third, reply));
        world.sim.idle().await;
        for stats in [node.stats(), peer.stats()] {
            assert_eq!((stats.incoming_bodies, stats.outgoing_bodies), (0, 0));
            assert_eq!((stats.incoming_bytes, stats.outgoing_bytes), (0, 0));
            assert_eq!((stats.pending_requests, stats.open_requests), (0, 0));
        }
        assert_eq!(node.stats().tasks, 0);
        Ok(())
    })
}

#[test]
fn whoever_asked_a_conduit_that_closes_learns_it_at_once() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("a")?, world.node("b")?);
        node.queue_bind("handled").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        let mut taken = node.queue_bind("taken").await?;
        let waiting = node.queue_bind("waiting").await?;
        let ask = |subject| {
            let asking = asker.service("b").request(subject, &1).no_timeout();
            world.sim.go(asking)
        };
        let (handled, held, queued) = (ask("handled"), ask("taken"), ask("waiting"));
        let message = taken.next().await.expect("it is bound");
        world.sim.idle().await;
        assert_eq!(waiting.waiting(), 1);
        node.close().await;
        for asked in [handled, held] {
            let error = asked.recv().await?.map(drop).expect_err("it is closed");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Closed, Executed::Yes));
        }
        // It went to plain bindings too, and nobody has said that there are none.
        let error = queued.recv().await?.map(drop).expect_err("it is closed");
        assert_eq!(error.executed(), Executed::Maybe, "{error:?}");
        assert!(world.elapsed() < secs(2), "known after {:?}", world.elapsed());
        drop(message);
        Ok(())
    })
}

#[test]
fn a_request_that_is_to_be_asked_again_ends_when_the_conduit_closes() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let full = world.builder("b").max_waiting_messages(1).build()?;
        let _bound = full.queue_bind("x").await?;
        full.own_service().send("x", &1).await?;
        let asked = world.sim.go(node.service("b").request("x", &1).no_timeout());
        world.sim.idle().await;
        node.close().await;
        let error = asked.recv().await?.map(drop).expect_err("it is closed");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
        Ok(())
    })
}

#[test]
fn a_stuck_handler_delays_nothing() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let own = node.own_service();
        let stuck = node.queue_bind("stuck").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        own.send("stuck", &1).await?;
        world.sim.idle().await;
        node.queue_bind("x").await?.to(|message| async move { message.reply(&1).await });
        own.request("x", &1).await?;
        let bound = node.queue_bind("stuck").await?;
        bound.unbind().await;
        stuck.unbind().await;
        assert_eq!(world.elapsed(), secs(0));
        node.close().await;
        world.sim.idle().await;
        assert_eq!(world.elapsed(), secs(1), "it was given this long to end");
        assert_eq!(node.stats().tasks, 0);
        Ok(())
    })
}

#[test]
fn what_is_still_held_after_a_drain_was_cut_off() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        node.own_service().send("x", &1).await?;
        let message = bound.next().await.expect("it is bound");
        let drained = node.drain(secs(3)).await;
        assert_eq!((drained.finished, drained.handed_on, drained.aborted), (0, 0, 1));
        drop(message);
        assert_eq!(node.drain(secs(0)).await, drained, "it is counted once");
        Ok(())
    })
}

#[test]
fn close_in_a_handler_ends_it() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let closing = node.clone();
        let worker = node.bind("x").await?.to(move |_| {
            let closing = closing.clone();
            async move { closing.close().await }
        });
        node.own_service().send("x", &1).await?;
        node.close().await;
        world.sim.idle().await;
        assert!(!worker.is_bound());
        assert_eq!(node.stats().tasks, 0);
        Ok(())
    })
}

#[test]
fn what_cannot_be_handed_on_in_time_was_aborted() -> TestResult {
    World::run(|world| async move {
        let (node, cut) = cut_off(&world)?;
        let unread = node.queue_bind("x").await?;
        for number in 0..5 {
            node.own_service().send("x", &number).await?;
        }
        world.sim.idle().await;
        assert_eq!(unread.waiting(), 5);
        cut();
        let drained = node.drain(secs(1)).await;
        assert_eq!((drained.finished, drained.handed_on, drained.aborted), (0, 0, 5));
        Ok(())
    })
}
