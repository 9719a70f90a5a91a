use std::{future::pending, sync::Arc};

use conduit::ErrorKind;
use conduit_testing::logged_in_thread;
use tracing_subscriber::filter::LevelFilter;

use crate::support::world::{Node, TestResult, World, pattern, secs};

/// Whether a conduit that nobody holds but what is given was closed.
async fn is_closed(world: &World, watched: &Node) -> bool {
    world.sim.idle().await;
    watched.bind("probe").await.is_err()
}

#[test]
fn a_conduit_closes_with_its_last_handle() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let other = node.clone();
        let bound = node.bind("x").await?;
        let service = node.own_service();
        other.own_service().send("x", &1).await?;
        world.sim.idle().await;
        drop(node);
        drop(other);
        world.sim.idle().await;
        let open = world.broker.subscriptions();
        assert!(open > 0, "the binding and the service keep it open");
        drop(service);
        world.sim.idle().await;
        assert_eq!(world.broker.subscriptions(), open, "the binding keeps it open");
        let mut bound = bound;
        let message = bound.next().await.expect("it is bound");
        drop(bound);
        world.sim.idle().await;
        assert!(world.broker.subscriptions() > 0, "the message keeps it open");
        message.service("a").send("x", &1).await?;
        drop(message);
        world.sim.idle().await;
        assert_eq!(world.broker.subscriptions(), 0);
        assert_eq!(world.elapsed(), secs(0));
        Ok(())
    })
}

#[test]
fn a_handler_alone_does_not_keep_it_open() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let worker = node.bind("x").await?.to(move |_| {
            let _held = Arc::clone(&held);
            async {}
        });
        node.own_service().send("x", &1).await?;
        world.sim.idle().await;
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(node);
        world.sim.idle().await;
        assert!(!worker.is_bound());
        assert_eq!(world.broker.subscriptions(), 0);
        assert_eq!(Arc::strong_count(&alive), 1, "the function was dropped");
        Ok(())
    })
}

/// What a conduit logs at info or above that is made, used and dropped.
fn logged_by<F: Future<Output = TestResult>>(life: impl FnOnce(Node) -> F) -> TestResult<String> {
    let (result, logs) = logged_in_thread(LevelFilter::INFO, || {
        World::run(|world| async move {
            life(world.node("a")?).await?;
            world.sim.idle().await;
            assert_eq!(world.broker.subscriptions(), 0, "the conduit is closed");
            TestResult::Ok(())
        })
    });
    result.map(|()| logs)
}

#[test]
fn a_conduit_that_closes_under_its_handlers_says_so() -> TestResult {
    let logs = logged_by(|node| async move {
        for subject in ["user.created", "user.deleted", "user.renamed", "user.forgotten"] {
            node.bind(subject).await?.to(|_| async {});
        }
        drop(node);
        Ok(())
    })?;
    assert_eq!(logs.lines().count(), 1, "{logs}");
    for part in [" INFO conduit::", "service=a", "instance=", "handlers=4", "user.renamed"] {
        assert!(logs.contains(part), "{part} in {logs}");
    }
    assert!(!logs.contains("user.forgotten"), "a line names a few subjects: {logs}");
    Ok(())
}

#[test]
fn a_conduit_that_closes_without_handlers_says_nothing() -> TestResult {
    let logs = logged_by(|node| async move {
        let worker = node.bind("user.created").await?.to(|_| async {});
        worker.unbind().await;
        let bound = node.bind("user.created").await?;
        drop(node);
        drop(bound);
        Ok(())
    })?;
    assert_eq!(logs, "");
    let logs = logged_by(|node| async move {
        node.bind("user.created").await?.to(|_| async {});
        node.close().await;
        Ok(())
    })?;
    assert_eq!(logs, "", "what is closed on purpose is no surprise");
    Ok(())
}

#[test]
fn a_stuck_handler_without_its_message_does_not_keep_it_open() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.bind("x").await?.to(|message| async move {
            drop(message);
            pending::<()>().await;
        });
        node.own_service().send("x", &1).await?;
        world.sim.idle().await;
        drop(node);
        // As long as a close would wait for it.
        world.sim.sleep(secs(1)).await;
        world.sim.idle().await;
        assert_eq!(world.broker.subscriptions(), 0);
        Ok(())
    })
}

#[test]
fn dropping_a_handler_changes_nothing_and_dropping_a_binding_unbinds() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        drop(node.queue_bind("x").await?.to(|message| async move { message.reply(&1).await }));
        node.own_service().request("x", &1).await?;
        let before = world.broker.subscriptions();
        let bound = node.bind("y").await?;
        assert_eq!(world.broker.subscriptions(), before + 1);
        drop(bound);
        world.sim.idle().await;
        assert_eq!(world.broker.subscriptions(), before);
        assert_eq!((node.stats().bindings, node.stats().subscriptions), (1, 1));
        node.own_service().request("x", &1).await?;
        Ok(())
    })
}

#[test]
fn a_binding_that_is_given_up_while_it_is_made_leaves_nothing() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.bind("warm").await?.unbind().await;
        let before = (node.stats(), world.broker.subscriptions());
        let binding = Box::pin(node.bind("x"));
        assert!(futures_lite::future::poll_once(binding).await.is_none());
        world.sim.idle().await;
        assert_eq!((node.stats(), world.broker.subscriptions()), before);
        Ok(())
    })
}

#[test]
fn until_unbinds_and_what_was_routed_can_still_be_taken() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let tasks = node.stats().tasks;
        let mut bound = node.bind("x").await?.until(world.sim.sleep(secs(7)));
        node.own_service().send("x", &1).await?;
        world.sim.sleep(secs(8)).await;
        assert!(!bound.is_bound());
        assert!(bound.next().await.is_some());
        assert!(bound.next().await.is_none());
        drop(node.bind("x").await?.until(pending()));
        world.sim.idle().await;
        assert_eq!(node.stats().tasks, tasks.max(2), "the waiting ends with the binding");
        assert_eq!(node.stats().bindings, 0);
        Ok(())
    })
}

#[test]
fn unbind_lets_what_was_routed_be_taken() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let own = node.own_service();
        for number in 0..5 {
            own.send("x", &number).await?;
        }
        bound.unbind().await;
        bound.unbind().await;
        own.send("x", &5).await?;
        let mut seen = Vec::new();
        while let Some(message) = bound.next().await {
            seen.push(message.decode::<u8>().await?);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert_eq!(node.stats().bindings, 0);
        Ok(())
    })
}

#[test]
fn bind_once_takes_one() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut once = node.bind_once("x").await?;
        for number in 0..3 {
            node.own_service().send("x", &number).await?;
        }
        let message = once.next().await.expect("it is bound");
        assert_eq!(message.decode::<u8>().await?, 0);
        assert!(once.next().await.is_none());
        assert!(!once.is_bound());

        let mut once = node.bind_once("x").await?;
        let sent = world.sim.go(node.own_service().send_body("x", pattern(50_000)));
        let message = once.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(50_000));
        sent.recv().await??;
        assert!(once.next().await.is_none());
        Ok(())
    })
}

#[test]
fn a_message_dropped_unread_is_told_to_its_sender() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let sent = world.sim.go(node.own_service().send_body("x", pattern(1 << 20)));
        drop(bound.next().await);
        let error = sent.recv().await?.map(drop).expect_err("nobody reads it");
        assert_eq!(error.kind(), ErrorKind::Dropped);
        world.sim.idle().await;
        assert_eq!((node.stats().incoming_bytes, node.stats().outgoing_bytes), (0, 0));
        assert!(!is_closed(&world, &node).await);
        Ok(())
    })
}
