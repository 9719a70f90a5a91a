use conduit::{ErrorKind, Executed, Runtime as _};
use futures_lite::stream;

use crate::support::{
    cut::cut_off,
    world::{TestResult, World, endless, millis, pattern, secs},
};

#[test]
fn a_broadcast_body_waits_for_its_receivers() -> TestResult {
    World::run(|world| async move {
        let (node, peer) = (world.node("a")?, world.node("b")?);
        let mut bound = peer.bind("x").await?;
        let long = 2 << 20;
        let service = node.service("b");
        let sent = world.sim.go(service.send_body("x", pattern(long)));
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(long));
        assert_eq!(sent.recv().await??.completed(), [peer.instance()]);
        assert_eq!(world.elapsed(), millis(250));

        let known = service.send_body("x", pattern(long)).expect(1);
        let sent = world.sim.go(known);
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(long));
        sent.recv().await??;
        assert_eq!(world.elapsed(), millis(250), "it knew whom to wait for");
        Ok(())
    })
}

#[test]
fn a_body_that_nobody_takes_costs_no_time() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let sent = node.service("b").send_body("x", pattern(100_000)).await?;
        assert!(sent.completed().is_empty() && sent.failed().is_empty());
        let asked = node.service("b").request_body("x", pattern(100_000)).await;
        let error = asked.map(drop).expect_err("nobody is bound");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
        assert_eq!(world.elapsed(), secs(0));
        assert_eq!(node.stats().outgoing_bodies, 0);
        Ok(())
    })
}

#[test]
fn a_full_group_is_asked_again_until_the_deadline_is_near() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_waiting_messages(1).build()?;
        let _bound = node.queue_bind("x").await?;
        let own = node.own_service();
        own.send("x", &1).await?;
        let error = own.request("x", &1).await.map(drop).expect_err("it is full");
        // It went to plain bindings too, in one packet.
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::Maybe));
        assert!(world.elapsed() > secs(29) && world.elapsed() < secs(30), "{:?}", world.elapsed());
        // Where there is no deadline, as long as for the answer to an offer.
        let asked = world.elapsed();
        let error = own.request("x", &1).no_timeout().await.map(drop).expect_err("it is full");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::No));
        assert!(error.is_retryable());
        let waited = world.elapsed() - asked;
        assert!(waited > secs(4) && waited < secs(5), "{waited:?}");
        Ok(())
    })
}

/// A busy member takes its time to refuse: the deadline must not pass meanwhile, or nobody knows
/// that nothing has run.
#[test]
fn a_busy_group_refuses_before_the_deadline() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let worker = node.queue_bind("x").await?.to(|message| async move {
            std::future::pending::<()>().await;
            drop(message);
        });
        let own = node.own_service();
        let _busy = world.sim.go(own.request("x", &1).no_timeout());
        world.sim.idle().await;
        for timeout in [50, 100, 200, 300, 450, 1_000, 1_050, 1_100, 1_150, 1_200] {
            let before = world.elapsed();
            let error = own.request("x", &1).timeout(millis(timeout)).await.map(drop);
            let error = error.expect_err("it is busy");
            // In less than 100 ms it refuses nothing.
            let wanted = match timeout {
                ..=100 => (ErrorKind::Deadline, Executed::Maybe),
                // Now that the group has refused, the broker is asked whether there is a bind.
                200 => (ErrorKind::Overloaded, Executed::Maybe),
                _ => (ErrorKind::Overloaded, Executed::No),
            };
            assert_eq!((error.kind(), error.executed()), wanted, "{timeout} ms");
            assert!(world.elapsed() - before <= millis(timeout));
        }
        assert_eq!(worker.waiting(), 0);
        Ok(())
    })
}

#[test]
fn an_idle_conduit_does_nothing_for_an_hour() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let bound = node.bind("x").await?;
        node.queue_bind("x").await?.to(|_| async {});
        node.own_service().send("x", &1).await?;
        // Once, the clock may ring for something that is over.
        world.sim.sleep(secs(60)).await;
        assert_eq!(world.sim.timers(), 0, "nothing is to come");
        let before = world.sim.polls();
        world.sim.sleep(secs(3600)).await;
        assert_eq!(world.sim.polls(), before);
        assert_eq!(bound.waiting(), 1);
        Ok(())
    })
}

#[test]
fn a_body_waits_for_its_reader_for_an_hour_and_little_happens() -> TestResult {
    World::run(|world| async move {
        let (node, peer) = (world.node("a")?, world.node("b")?);
        let mut bound = peer.queue_bind("x").await?;
        let length = 3 << 20;
        let sent = world.sim.go(node.service("b").send_body("x", pattern(length)));
        let message = bound.next().await.expect("it is bound");
        world.sim.idle().await;
        let before = world.sim.polls();
        world.sim.sleep(secs(3600)).await;
        let polls = world.sim.polls() - before;
        assert!(polls < 3600 * 10, "{polls} polls in an hour");
        assert!(peer.stats().incoming_bytes <= 64 << 10);
        assert!(node.stats().outgoing_bytes <= (1 << 20) + (16 << 10));
        assert_eq!(message.to_bytes().await?, pattern(length));
        assert_eq!(sent.recv().await??.completed(), [peer.instance()]);
        world.sim.sleep(secs(60)).await;
        assert_eq!(world.sim.timers(), 0, "all of it is over");
        Ok(())
    })
}

#[test]
fn a_body_waits_for_its_source_for_an_hour() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let hour = world.sim.sleep(secs(3600));
        let source = stream::once_future(async move {
            hour.await;
            Ok("at last".into())
        });
        let body = conduit::Body::stream(source);
        let sent = world.sim.go(node.own_service().send_body("x", body));
        let message = bound.next().await.expect("it is bound");
        let before = world.sim.polls();
        assert_eq!(message.text().await?, "at last");
        let polls = world.sim.polls() - before;
        assert!(polls < 3600 * 10, "{polls} polls in an hour");
        sent.recv().await??;
        Ok(())
    })
}

#[test]
fn without_a_connection_a_send_waits_for_the_send_timeout() -> TestResult {
    World::run(|world| async move {
        let (node, cut) = cut_off(&world)?;
        drop(node.bind("warm").await?);
        cut();
        let error = node.own_service().send("x", &1).await.map(drop).expect_err("cut off");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert_eq!(error.executed(), Executed::No, "it has not left");
        assert!(error.is_retryable());
        assert_eq!(world.elapsed(), secs(5));
        let error = node.bind("y").await.map(drop).expect_err("cut off");
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert_eq!(world.elapsed(), secs(10));
        Ok(())
    })
}

#[test]
fn a_silent_peer_is_lost_after_the_idle_limit() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let (peer, cut) = cut_off(&world)?;
        let mut bound = peer.queue_bind("x").await?;
        let sent = world.sim.go(node.service("cut").send_body("x", endless(b"first")));
        let message = bound.next().await.expect("it is bound");
        world.sim.idle().await;
        cut();
        let error = sent.recv().await?.map(drop).expect_err("nobody is there");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        assert_eq!(error.instance(), Some(peer.instance()));
        assert!(error.to_string().contains(&peer.instance().to_string()), "{error}");
        assert!(
            world.elapsed() >= secs(10) && world.elapsed() <= secs(11),
            "{:?}",
            world.elapsed()
        );
        let error = message.to_bytes().await.expect_err("nobody is there");
        assert_eq!((error.kind(), error.instance()), (ErrorKind::Lost, Some(node.instance())));
        assert!(world.elapsed() <= secs(20), "{:?}", world.elapsed());
        Ok(())
    })
}

#[test]
fn an_answerer_that_falls_silent_is_named() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let (peer, cut) = cut_off(&world)?;
        peer.queue_bind("stuck").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        let asking = node.service("cut").request("stuck", &1).no_timeout();
        let asked = world.sim.go(asking);
        world.sim.sleep_until(world.sim.now() + secs(20)).await;
        cut();
        let error = asked.recv().await?.map(drop).expect_err("it fell silent");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        assert_eq!(error.instance(), Some(peer.instance()));
        assert!(error.to_string().contains(&peer.instance().to_string()), "{error}");
        Ok(())
    })
}

#[test]
fn close_ends_whatever_the_broker_does() -> TestResult {
    World::run(|world| async move {
        let (node, cut) = cut_off(&world)?;
        let mut bound = node.bind("x").await?;
        let worker = node.queue_bind("x").await?.to(|_| async {});
        cut();
        let sent = world.sim.go(node.own_service().send("x", &1));
        let unbinding = world.sim.go(async move {
            worker.unbind().await;
        });
        world.sim.idle().await;
        node.close().await;
        assert!(world.elapsed() <= secs(5), "{:?}", world.elapsed());
        assert!(bound.next().await.is_none());
        unbinding.recv().await?;
        sent.recv().await?.map(drop).expect_err("cut off");
        world.sim.idle().await;
        assert_eq!(node.stats().tasks, 0, "no task is left");
        Ok(())
    })
}
