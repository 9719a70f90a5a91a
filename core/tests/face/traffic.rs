//! How many messages were sent and received, and what became of them.

use std::collections::BTreeMap;

use conduit::{
    Body, Conduit, Error, ErrorKind, Failure, ReceivedTraffic, Runtime as _, SentTraffic,
};
use conduit_json::Json;

use crate::support::world::{Node, TestResult, World, secs};

fn sent(node: &Node, subject: &str) -> (u64, BTreeMap<ErrorKind, u64>) {
    let is_it =
        |sent: &&SentTraffic| sent.to.as_ref().is_some_and(|(_, its)| its.as_str() == subject);
    let found = node.traffic().sent.iter().find(is_it).cloned();
    found.map_or_else(Default::default, |sent| (sent.messages, sent.failed))
}

fn received(node: &Node, subject: &str) -> (u64, u64, BTreeMap<ErrorKind, u64>) {
    let is_it = |received: &&ReceivedTraffic| {
        received.subject.as_ref().is_some_and(|its| its.as_str() == subject)
    };
    let found = node.traffic().received.iter().find(is_it).cloned();
    found.map_or_else(Default::default, |its| (its.messages, its.handled, its.failed))
}

fn none<K>() -> BTreeMap<K, u64> {
    BTreeMap::new()
}

#[test]
fn every_kind_of_message_is_counted_once_at_both_sides() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("worker")?);
        let worker = node.queue_bind("work").await?.to(async |message| {
            message.to_bytes().await?;
            if message.is_request() { message.reply(&()).await } else { Ok(()) }
        });
        let to = asker.service("worker");
        let long = || Body::from(vec![7_u8; 200_000]);
        to.send("work", &1).await?;
        to.send_body("work", long()).await?;
        to.send("work", &1).confirm().await?;
        to.request("work", &1).await?;
        to.request_body("work", long()).await?;
        worker.unbind().await;
        node.drain(secs(5)).await;
        assert_eq!(sent(&asker, "work"), (5, none()));
        assert_eq!(received(&node, "work"), (5, 5, none()));
        // The asker has received nothing, and the worker has sent nothing.
        assert!(asker.traffic().received.is_empty() && node.traffic().sent.is_empty());
        Ok(())
    })
}

#[test]
fn failures_are_counted_by_kind_at_both_sides() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("worker")?);
        node.queue_bind("fail").await?.concurrency(8).serve_with(async |how: String, message| {
            match &*how {
                "fail" => return Err(Failure::new("asked", "it was asked to")),
                "panic" => panic!("it was asked to"),
                "wait" => {
                    let _message = message;
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            Ok(how)
        });
        let to = asker.service("worker");
        for how in ["fail", "panic", "fine", "fail"] {
            to.request("fail", how).await.map(drop).ok();
        }
        to.request("fail", &7).await.map(drop).expect_err("it is no text");
        to.request("fail", "wait").timeout(secs(1)).await.map(drop).expect_err("it waits");
        to.request("nobody", "fine").await.map(drop).expect_err("nobody is there");
        // One way, only the receiver knows.
        to.send("fail", "fail").await?;
        node.drain(secs(5)).await;
        use ErrorKind::{Deadline, HandlerFailed, HandlerPanicked, NoReceivers, NotDecoded};
        let kinds = [(HandlerFailed, 2), (HandlerPanicked, 1), (NotDecoded, 1), (Deadline, 1)];
        assert_eq!(sent(&asker, "fail"), (7, BTreeMap::from(kinds)));
        assert_eq!(sent(&asker, "nobody"), (1, BTreeMap::from([(NoReceivers, 1)])));
        let (messages, handled, failed) = received(&node, "fail");
        assert_eq!((messages, handled, failed.values().sum::<u64>()), (7, 1, 6));
        let both = [HandlerFailed, HandlerPanicked, NotDecoded].map(|kind| failed[&kind]);
        assert_eq!(both, [3, 1, 1], "{failed:?}");
        asker.close().await;
        to.send("fail", "fine").await.map(drop).expect_err("it is closed");
        assert_eq!(sent(&asker, "fail").1[&ErrorKind::Closed], 1);
        Ok(())
    })
}

#[test]
fn what_finds_no_room_is_counted() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").max_waiting_messages(2).build()?;
        let mut binding = node.bind("event").await?;
        let own = node.own_service();
        for number in 0..5 {
            own.send("event", &number).await?;
        }
        world.sim.sleep_until(world.sim.now() + secs(1)).await;
        assert_eq!(sent(&node, "event"), (5, none()));
        let lost = BTreeMap::from([(ErrorKind::Overloaded, 3)]);
        assert_eq!(received(&node, "event"), (2, 0, lost));
        assert_eq!(binding.lost(), 3);
        // What a loop takes is received, and is not handled.
        while binding.waiting() > 0 {
            binding.next().await;
        }
        assert_eq!(received(&node, "event").1, 0);
        Ok(())
    })
}

#[test]
fn the_counts_outlive_bindings_and_are_bounded() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let own = node.own_service();
        for _ in 0..2 {
            for number in 0..150 {
                let subject = format!("subject.{number:03}");
                let worker =
                    node.queue_bind(&subject).await?.serve(async |(): ()| Ok::<_, Error>(()));
                own.request(&subject, &()).await?;
                worker.unbind().await;
            }
        }
        node.close().await;
        let traffic = node.traffic();
        assert_eq!((traffic.sent.len(), traffic.received.len()), (101, 101));
        let sent: Vec<_> = traffic.sent.iter().map(|sent| sent.messages).collect();
        let handled: Vec<_> = traffic.received.iter().map(|its| its.handled).collect();
        let expected = [vec![2; 100], vec![100]].concat();
        assert_eq!((&sent, &handled), (&expected, &expected));
        assert!(traffic.sent[100].to.is_none() && traffic.received[100].subject.is_none());
        Ok(())
    })
}

#[test]
fn each_binding_of_a_broadcast_counts_its_copy() -> TestResult {
    World::run(|world| async move {
        let nodes: [Conduit<Json>; 2] = [world.node("worker")?, world.node("worker")?];
        for node in &nodes {
            for _ in 0..2 {
                node.bind("event").await?.to(async |message| drop(message));
            }
        }
        nodes[0].own_service().send("event", &1).await?;
        for node in &nodes {
            node.drain(secs(5)).await;
            assert_eq!(received(node, "event"), (2, 2, none()));
        }
        assert_eq!(sent(&nodes[0], "event"), (1, none()));
        Ok(())
    })
}
