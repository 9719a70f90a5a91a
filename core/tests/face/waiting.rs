//! What waits has a budget in bytes, apart from that of streamed bodies.

use std::time::Duration;

use conduit::{Error, ErrorKind, Executed};
use futures_lite::{StreamExt as _, future::poll_once};

use crate::support::world::{Node, TestResult, World, pattern, secs};

/// More than what goes before a body in its packet.
const HEAD: u64 = 200;

/// Sends so many bodies of a length, in one packet each.
async fn flood(node: &Node, subject: &str, count: usize, length: usize) -> Result<(), Error> {
    for _ in 0..count {
        node.service("a").send_body(subject, pattern(length)).await?;
    }
    Ok(())
}

fn is_about(bytes: u64, messages: u64, length: u64) -> bool {
    (messages * length..messages * (length + HEAD)).contains(&bytes)
}

#[test]
fn a_binding_holds_so_many_bytes() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_waiting_bytes_per_binding(10_000).build()?;
        let (mut plain, mut group) = (node.bind("x").await?, node.queue_bind("x").await?);
        flood(&node, "x", 10, 3_000).await?;
        world.sim.idle().await;
        for binding in [&mut plain, &mut group] {
            assert_eq!((binding.waiting(), binding.lost()), (3, 7));
        }
        assert!(is_about(node.stats().waiting_bytes, 6, 3_000), "{:?}", node.stats());
        assert_eq!(node.stats().lost_messages, 14);
        plain.next().await.expect("it waits");
        flood(&node, "x", 1, 3_000).await?;
        world.sim.idle().await;
        assert_eq!((plain.waiting(), plain.lost()), (3, 7), "there was room again");
        assert_eq!((group.waiting(), group.lost()), (3, 8));
        drop(plain);
        for _ in 0..3 {
            group.next().await.expect("it waits");
        }
        assert_eq!(node.stats().waiting_bytes, 0);
        Ok(())
    })
}

#[test]
fn where_nothing_waits_there_is_room_for_one_message_of_any_size() -> TestResult {
    World::run(|world| async move {
        let builder = world.builder("a").max_waiting_bytes(1).max_waiting_bytes_per_binding(1);
        let node = builder.chunk_size(1 << 20).build()?;
        let mut binding = node.bind("x").await?;
        for length in [0, 10, 900_000] {
            flood(&node, "x", 2, length).await?;
            world.sim.idle().await;
            assert_eq!(binding.waiting(), 1);
            let message = binding.next().await.expect("it waits");
            assert_eq!(message.to_bytes().await?, pattern(length));
        }
        assert_eq!(binding.lost(), 3);
        let _echo = node.queue_bind("echo").await?.to(|message| async move {
            let body = message.take_body()?;
            message.reply_body(body).await
        });
        let reply = node.own_service().request_body("echo", pattern(900_000)).await?;
        assert_eq!(reply.to_bytes().await?, pattern(900_000));
        assert_eq!(node.stats().waiting_bytes, 0);
        Ok(())
    })
}

#[test]
fn a_conduit_holds_so_many_bytes_and_streams_have_their_own() -> TestResult {
    const LENGTH: usize = 20_000;
    World::run(|world| async move {
        let sender = world.builder("b").chunk_size(1 << 16).build()?;
        let node = world.builder("a").max_waiting_bytes(100_000).build()?;
        let mut bindings = Vec::new();
        for subject in ["one", "two", "three"] {
            let binding = node.bind(subject).await?;
            flood(&sender, subject, 20, LENGTH).await?;
            world.sim.idle().await;
            bindings.push(binding);
        }
        // 16 KiB of each are not counted.
        let waiting: Vec<_> = bindings.iter().map(conduit::Binding::waiting).collect();
        assert_eq!(waiting, [5, 1, 1]);
        assert!(is_about(node.stats().waiting_bytes, 7, 20_000), "{:?}", node.stats());
        assert_eq!(node.stats().incoming_bytes, 0);
        let mut streams = node.bind("stream").await?;
        let sent = sender.service("a").send_body("stream", pattern(200_000)).expect(1);
        let sent = world.sim.go(sent);
        let message = streams.next().await.expect("a flood of events does not refuse it");
        assert_eq!(message.to_bytes().await?, pattern(200_000));
        assert_eq!(sent.recv().await??.completed().len(), 1);
        // Dropped bindings charge nothing.
        bindings.truncate(1);
        while bindings[0].waiting() > 0 {
            bindings[0].next().await;
        }
        assert_eq!(node.stats().waiting_bytes, 0);
        let again = node.bind("again").await?;
        flood(&sender, "again", 20, LENGTH).await?;
        world.sim.idle().await;
        assert_eq!(again.waiting(), 5);
        Ok(())
    })
}

#[test]
fn a_request_that_does_not_fit_is_refused() -> TestResult {
    for is_queue in [false, true] {
        World::run(|world| async move {
            let node = world.builder("a").max_waiting_bytes_per_binding(10_000).build()?;
            let _binding = match is_queue {
                true => node.queue_bind("x").await?,
                false => node.bind("x").await?,
            };
            flood(&node, "x", 3, 3_000).await?;
            let ask = node.own_service().request_body("x", pattern(3_000)).timeout(secs(1));
            let error = ask.await.map(drop).expect_err("it does not fit");
            assert_eq!(error.kind(), ErrorKind::Overloaded, "{error}");
            // In one packet, it went to whatever is bound.
            assert_eq!(error.executed(), Executed::Maybe);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

/// Conduits whose binding replies with so many bytes.
async fn responders(world: &World, count: usize, length: usize) -> Result<Vec<Node>, Error> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        let node = world.builder("a").chunk_size(1 << 20).build()?;
        let reply = move |message: conduit::Message<_>| async move {
            message.reply_body(pattern(length)).await
        };
        drop(node.bind("all").await?.to(reply));
        nodes.push(node);
    }
    Ok(nodes)
}

#[test]
fn replies_that_do_not_fit_are_errors_that_name_their_instances() -> TestResult {
    const COUNT: usize = 40;
    World::run(|world| async move {
        let nodes = responders(&world, COUNT, 50_000).await?;
        let asker = world.builder("b").max_waiting_bytes_per_binding(501_000).build()?;
        world.sim.idle().await;
        let mut replies = asker.service("a").request_all("all", &()).expect(COUNT);
        assert!(poll_once(replies.next()).await.is_none());
        world.sim.idle().await;
        let waiting = asker.stats().waiting_bytes;
        assert!(is_about(waiting, 10, 50_000), "{waiting} bytes wait");
        let (mut answered, mut refused) = (Vec::new(), Vec::new());
        while let Some(reply) = replies.next().await {
            match reply {
                Ok(reply) => {
                    assert_eq!(reply.to_bytes().await?.len(), 50_000);
                    answered.push(reply.source().instance);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Overloaded, "{error}");
                    assert_eq!(error.executed(), Executed::Yes);
                    refused.push(error.instance().expect("it names who answered"));
                }
            }
        }
        assert_eq!((answered.len(), refused.len()), (10, COUNT - 10));
        let mut all: Vec<_> = answered.into_iter().chain(refused).collect();
        let mut expected: Vec<_> = nodes.iter().map(Node::instance).collect();
        all.sort_unstable();
        expected.sort_unstable();
        assert_eq!(all, expected, "each of them once");
        assert_eq!(world.elapsed(), Duration::ZERO, "nobody is waited for");
        assert_eq!(asker.stats().waiting_bytes, 0);
        Ok(())
    })
}

#[test]
fn however_many_replies_do_not_fit_the_errors_are_bounded() -> TestResult {
    const COUNT: usize = 60;
    World::run(|world| async move {
        let _nodes = responders(&world, COUNT, 100).await?;
        let asker = world.builder("b").max_waiting_messages(8).build()?;
        world.sim.idle().await;
        let mut replies = asker.service("a").request_all("all", &()).expect(COUNT);
        assert!(poll_once(replies.next()).await.is_none());
        world.sim.idle().await;
        let mut answered = 0;
        let error = loop {
            match replies.next().await.expect("an error comes before the end") {
                Ok(_) => answered += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(answered, 8);
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert!(error.to_string().contains("52 answers"), "{error}");
        assert!(error.instance().is_some() && error.executed() == Executed::Yes);
        assert!(replies.next().await.is_none(), "all that were expected are accounted for");
        assert_eq!(world.elapsed(), Duration::ZERO);
        Ok(())
    })
}

#[test]
fn replies_that_wait_are_released_with_their_request() -> TestResult {
    World::run(|world| async move {
        let _nodes = responders(&world, 3, 50_000).await?;
        let asker = world.node("b")?;
        world.sim.idle().await;
        let mut replies = asker.service("a").request_all("all", &());
        assert!(poll_once(replies.next()).await.is_none());
        world.sim.idle().await;
        assert!(is_about(asker.stats().waiting_bytes, 3, 50_000), "{:?}", asker.stats());
        drop(replies);
        assert_eq!(asker.stats().waiting_bytes, 0);
        // A single reply counts too while it waits.
        let service = asker.service("a");
        let mut asking = service.request("all", &());
        assert!(poll_once(&mut asking).await.is_none());
        world.sim.idle().await;
        assert!(is_about(asker.stats().waiting_bytes, 1, 50_000), "{:?}", asker.stats());
        assert_eq!(asking.await?.to_bytes().await?.len(), 50_000);
        assert_eq!(asker.stats().waiting_bytes, 0);
        Ok(())
    })
}
