//! What waits for a busy connection is bounded, and none of it is lost without being counted.

use conduit::{ErrorKind, Executed};

use super::batches::{MOST, counts, sender, to_subject};
use crate::support::{
    busy,
    world::{TestResult, World, pattern, secs},
};

#[test]
fn a_full_buffer_makes_senders_wait() -> TestResult {
    World::run(|world| async move {
        let mut bound = world.node("a")?.bind("x").await?;
        let (node, control) = sender(&world).await?;
        control.set_full(true);
        // A whole batch that the connection does not take.
        for number in 0..MOST {
            node.own_service().send("x", &number).await?;
        }
        let error = node.own_service().send("x", &99).await.expect_err("there is no room");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Disconnected, Executed::No));
        assert_eq!(world.elapsed(), secs(5));
        let service = node.own_service();
        let waiting = world.sim.go(async move { service.send("x", &MOST).await });
        world.sim.idle().await;
        control.set_full(false);
        control.set_busy(false);
        waiting.recv().await??;
        let mut numbers = Vec::new();
        for _ in 0..=MOST + 2 {
            let message = bound.next().await.expect("it is bound");
            numbers.push(message.decode::<i32>().await?);
        }
        assert_eq!(numbers, (-2..=16).collect::<Vec<_>>());
        assert_eq!(node.stats().unsent_messages, 0);
        TestResult::Ok(())
    })
}

#[test]
fn the_buffer_is_bounded_in_bytes() -> TestResult {
    World::run(|world| async move {
        let (builder, control) = busy::busy(&world, "a");
        let node = builder.send_buffer(10_000).build()?;
        let subjects: Vec<_> = (0..20).map(|number| format!("x.{number}")).collect();
        let body = pattern(1000);
        for round in 0..3 {
            control.set_busy(round > 0);
            for subject in &subjects {
                node.own_service().send_body(&**subject, body.clone()).await?;
            }
            world.sim.idle().await;
        }
        // What did not fit went alone at once.
        let held = 20 - counts(&control.take_published(to_subject)).len() as i64 + 40;
        assert!((8..10).contains(&held), "{held} messages wait");
        TestResult::Ok(())
    })
}

#[test]
fn what_cannot_be_sent_later_is_counted_and_a_flush_says_so() -> TestResult {
    World::run(|world| async move {
        let (node, control) = sender(&world).await?;
        for number in 0..3 {
            node.own_service().send("x", &number).await?;
        }
        control.break_it();
        control.set_busy(false);
        let error = node.flush().await.expect_err("messages are lost");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Disconnected, Executed::Maybe));
        assert_eq!(node.stats().unsent_messages, 3);
        node.flush().await?;
        TestResult::Ok(())
    })
}

#[test]
fn a_conduit_that_closes_counts_what_is_left() -> TestResult {
    World::run(|world| async move {
        let (node, control) = sender(&world).await?;
        for subject in ["x", "y"] {
            for number in 0..3 {
                node.own_service().send(subject, &number).await?;
            }
        }
        // Nothing is known of a group at `y`, so only three wait.
        control.set_full(true);
        control.set_busy(false);
        node.close().await;
        assert_eq!(node.stats().unsent_messages, 3);
        TestResult::Ok(())
    })
}

#[test]
fn a_batch_is_cut_where_the_connection_takes_less_than_before() -> TestResult {
    World::run(|world| async move {
        let mut bound = world.node("a")?.bind("x").await?;
        let (node, control) = sender(&world).await?;
        for _ in 0..10 {
            node.own_service().send_body("x", pattern(1500)).await?;
        }
        control.set_max_packet_len(2000);
        control.set_busy(false);
        for expected in [2, 2].into_iter().chain([1500; 10]) {
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.to_bytes().await?.len(), expected);
        }
        assert_eq!(counts(&control.take_published(to_subject)), [1; 10]);
        assert_eq!(node.stats().unsent_messages, 0);
        TestResult::Ok(())
    })
}
