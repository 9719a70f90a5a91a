use conduit::{ErrorKind, Executed};
use futures_lite::future;

use crate::support::world::{TestResult, World, endless, pattern, secs};

#[test]
fn only_a_request_is_answered_and_once() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        node.own_service().send("x", &1).await?;
        let message = bound.next().await.expect("it is bound");
        assert!(!message.is_request());
        let error = message.reply(&1).await.expect_err("nobody asked");
        assert_eq!(error.kind(), ErrorKind::NotARequest);

        let asked = world.sim.go(node.own_service().request("x", &1));
        let message = bound.next().await.expect("it is bound");
        assert!(message.is_request());
        message.reply(&1).await?;
        let error = message.reply(&2).await.expect_err("it was answered");
        assert_eq!(error.kind(), ErrorKind::AlreadyReplied);
        let reply = asked.recv().await??;
        assert_eq!(reply.decode::<u8>().await?, 1);
        assert!(!reply.is_request());
        assert_eq!(reply.subject().as_str(), "x");
        Ok(())
    })
}

#[test]
fn what_is_awaited_is_spawned_and_joined_as_it_is() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let service = node.own_service();
        let asked = world.sim.go(service.request("x", &1).header("k", "v"));
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.headers().get("k"), Some("v"));
        let replied = world.sim.go(message.reply(&2));
        replied.recv().await??;
        assert_eq!(asked.recv().await??.decode::<u8>().await?, 2);
        let (one, other) = future::zip(service.send("x", &3), service.send("x", &4)).await;
        assert!(one.is_ok() && other.is_ok());
        Ok(())
    })
}

#[test]
fn a_reply_that_is_given_up_is_told() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let asked = world.sim.go(node.own_service().request("x", &1));
        let message = bound.next().await.expect("it is bound");
        {
            let mut reply = message.reply_body(pattern(1 << 20));
            assert!(future::poll_once(&mut reply).await.is_none());
        }
        let reply = asked.recv().await?;
        let error = match reply {
            Ok(reply) => reply.to_bytes().await.expect_err("it was given up"),
            Err(error) => error,
        };
        assert!(matches!(error.kind(), ErrorKind::NoReply | ErrorKind::Cancelled), "{error:?}");
        assert_ne!(error.executed(), Executed::No);
        assert_eq!(world.elapsed(), secs(0));
        drop(message);
        world.sim.idle().await;
        assert_eq!(node.stats().outgoing_bodies, 0);
        Ok(())
    })
}

#[test]
fn an_asker_that_goes_on_without_the_reply_stops_it() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let asked = world.sim.go(node.own_service().request("x", &1));
        let message = bound.next().await.expect("it is bound");
        let replying = world.sim.go(message.reply_body(endless(b"first")));
        drop(asked.recv().await??);
        let error = replying.recv().await?.expect_err("nobody reads it");
        assert_eq!(error.kind(), ErrorKind::Dropped);
        Ok(())
    })
}

#[test]
fn a_request_that_waits_in_a_dropped_binding_is_refused_at_once() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("a")?, world.node("b")?);
        let bound = node.queue_bind("x").await?;
        let asked = world.sim.go(asker.service("b").request("x", &1));
        world.sim.idle().await;
        assert_eq!(bound.waiting(), 1);
        drop(bound);
        // It went to plain bindings too, and nobody has said that there are none.
        let error = asked.recv().await?.map(drop).expect_err("nobody handles it");
        assert_eq!(error.executed(), Executed::Maybe, "{error:?}");
        assert!(world.elapsed() < secs(1), "known after {:?}", world.elapsed());
        Ok(())
    })
}

#[test]
fn what_waits_in_a_dropped_queue_binding_goes_to_another() -> TestResult {
    World::run(|world| async move {
        let (asker, one, other) = (world.node("a")?, world.node("b")?, world.node("b")?);
        let bound = one.queue_bind("x").await?;
        let asked = world.sim.go(asker.service("b").request("x", &1));
        asker.service("b").send("x", &2).await?;
        world.sim.idle().await;
        assert_eq!(bound.waiting(), 2);
        let mut rest = other.queue_bind("x").await?;
        drop(bound);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let message = rest.next().await.expect("it is bound");
            seen.push(message.decode::<u8>().await?);
            if message.is_request() {
                message.reply(&3).await?;
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert_eq!(asked.recv().await??.decode::<u8>().await?, 3);
        Ok(())
    })
}
