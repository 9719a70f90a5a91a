//! What layers do with messages that arrive.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use conduit::{
    ErrorKind, Executed, Message,
    layer::{Arriving, Layer, Refusal},
};
use conduit_json::Json;
use futures_lite::future;

use super::{bodies, size};
use crate::support::world::{TestResult, World, pattern, secs};

/// Accepts as a function says.
struct Accept<F>(F);

impl<F> Layer for Accept<F>
where
    F: Fn(&mut Arriving<'_>) -> Result<(), Refusal> + Send + Sync + 'static,
{
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        self.0(arriving)
    }
}

fn accept<F>(accept: F) -> Accept<F>
where
    F: Fn(&mut Arriving<'_>) -> Result<(), Refusal> + Send + Sync + 'static,
{
    Accept(accept)
}

fn busy(_: &mut Arriving<'_>) -> Result<(), Refusal> {
    Err(Refusal::busy("later"))
}

fn refused(_: &mut Arriving<'_>) -> Result<(), Refusal> {
    Err(Refusal::refused("never"))
}

#[test]
fn a_busy_member_leaves_a_message_to_the_others_of_its_group() -> TestResult {
    World::run(|world| async move {
        let client = world.node("client")?;
        let service = client.service("worker");
        // In another instance, and in the same one.
        let full = world.builder("worker").layer(accept(busy)).build()?;
        full.queue_bind("size").await?.to(size);
        let worker = world.node("worker")?;
        worker.queue_bind("size").await?.layer(accept(busy)).to(size);
        worker.queue_bind("size").await?.to(size);
        for _ in 0..4 {
            for body in bodies() {
                let length = body.len().ok_or("it is known")?;
                let reply = service.request_body("size", body).await?;
                assert_eq!(reply.source().instance, worker.instance());
                assert_eq!(reply.decode::<u64>().await?, length);
            }
        }
        assert_eq!(full.stats().refused_messages + worker.stats().refused_messages, 0);
        Ok(())
    })
}

#[test]
fn a_message_that_all_refuse_was_not_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        node.queue_bind("busy").await?.layer(accept(busy)).to(size);
        node.queue_bind("refused").await?.layer(accept(refused)).to(size);
        node.bind("plain").await?.layer(accept(refused)).to(size);
        let own = node.own_service();
        for (subject, kind, text) in [
            ("busy", ErrorKind::Overloaded, "later"),
            ("refused", ErrorKind::Refused, "never"),
            ("plain", ErrorKind::Refused, "never"),
        ] {
            let before = world.elapsed();
            let sent = own.send_body(subject, pattern(100_000)).expect(1).await;
            let asked = own.request_body(subject, pattern(100_000)).timeout(secs(3)).await;
            for error in [sent.expect_err("refused"), asked.expect_err("refused")] {
                assert_eq!((error.kind(), error.executed()), (kind, Executed::No), "{error:?}");
                assert!(error.to_string().ends_with(text), "{error}");
            }
            let took = world.elapsed() - before;
            assert_eq!(took < secs(1), kind == ErrorKind::Refused, "{subject}: {took:?}");
        }
        // The second packet of a request is for the group alone.
        own.request_body("refused", "small").await.expect_err("refused");
        let error = own.request_body("refused", "small").await.expect_err("refused");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Refused, Executed::No));
        Ok(())
    })
}

#[test]
fn where_a_plain_binding_may_have_run_a_refusal_says_maybe() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        node.bind("both").await?.to(move |message| {
            count.fetch_add(1, Relaxed);
            async move { drop(message) }
        });
        node.queue_bind("both").await?.layer(accept(refused)).to(size);
        for body in bodies() {
            let error = node.own_service().request_body("both", body).await.expect_err("refused");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Refused, Executed::Maybe));
        }
        world.sim.idle().await;
        assert_eq!(ran.load(Relaxed), 2);
        Ok(())
    })
}

#[test]
fn refused_messages_are_counted() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").layer(accept(|arriving| {
            match arriving.body().map(<[u8]>::len) {
                Some(2) => Err(Refusal::refused("two bytes")),
                _ => Ok(()),
            }
        }));
        let node = node.build()?;
        let (mut plain, mut queue) = (node.bind("note").await?, node.queue_bind("note").await?);
        for number in [1, 22, 3, 44, 55, 6] {
            node.own_service().send("note", &number).await?;
        }
        for binding in [&mut plain, &mut queue] {
            for expected in [1, 3, 6] {
                let message = binding.next().await.ok_or("it is bound")?;
                assert_eq!(message.decode::<u32>().await?, expected);
            }
            assert_eq!((binding.refused(), binding.lost(), binding.waiting()), (3, 0, 0));
        }
        assert_eq!(node.stats().refused_messages, 6);
        Ok(())
    })
}

#[test]
fn a_layer_sees_what_arrives_and_attaches_to_it() -> TestResult {
    #[derive(Debug, PartialEq)]
    struct User(String);

    World::run(|world| async move {
        let node = world.builder("worker").layer(accept(|arriving| {
            let user = arriving.headers().get("user").ok_or(Refusal::refused("who is it?"))?;
            let user = User(user.to_owned());
            arriving.extensions_mut().insert(user);
            Ok(())
        }));
        let node = node.build()?;
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let binding = node.queue_bind("who").await?.layer(accept(move |arriving| {
            assert_eq!(arriving.extensions().get(), Some(&User("Ada".to_owned())));
            assert_eq!(arriving.subject().as_str(), "who");
            assert_eq!(arriving.source().service.as_str(), "worker");
            assert!(arriving.request().is_some());
            let left = arriving.deadline().map(|at| at - arriving.clock().now());
            assert_eq!(left, Some(secs(5)));
            assert_eq!(arriving.body().is_some(), arriving.body_len() == Some(5));
            count.fetch_add(1, Relaxed);
            Ok(())
        }));
        binding.to(async |message: Message<Json>| {
            let User(name) = message.extensions().get().ok_or("it has a user")?;
            message.reply(name).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
        for body in bodies() {
            let request = node.own_service().request_body("who", body).timeout(secs(5));
            let reply = request.header("user", "Ada").await?;
            assert_eq!(reply.decode::<String>().await?, "Ada");
        }
        assert_eq!(seen.load(Relaxed), 2);
        Ok(())
    })
}

#[test]
fn a_layer_of_a_binding_accepts_what_waits_in_it_already() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let binding = node.queue_bind("size").await?;
        let other = node.bind("size").await?;
        let own = node.own_service();
        own.send("size", "before").await?;
        let small = world.sim.go(own.request_body("size", "small").timeout(secs(9)).into_future());
        let large =
            world.sim.go(own.request_body("size", pattern(100_000)).timeout(secs(9)).into_future());
        world.sim.idle().await;
        drop(other);
        assert_eq!(binding.waiting(), 3);
        let worker = binding.layer(accept(refused)).to(size);
        for asked in [small, large] {
            let error = asked.recv().await?.expect_err("it is refused");
            assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
            assert_ne!(error.executed(), Executed::Yes);
        }
        assert_eq!((worker.refused(), worker.waiting()), (1, 0));
        assert_eq!(node.stats().open_requests, 0);
        Ok(())
    })
}

#[test]
fn a_layer_that_panics_refuses_that_message_alone() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let worker = node.queue_bind("size").await?.layer(accept(|arriving| {
            assert!(arriving.headers().is_empty(), "there is a header");
            Ok(())
        }));
        let worker = worker.to(size);
        let own = node.own_service();
        let error = own.request("size", "x").header("a", "b").await.expect_err("it panics");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("there is a header"), "{error}");
        own.send("size", "x").header("a", "b").await?;
        let (one, other) =
            future::zip(own.request_body("size", "abc"), own.request_body("size", "de")).await;
        assert_eq!((one?.decode::<u64>().await?, other?.decode::<u64>().await?), (3, 2));
        assert_eq!((worker.refused(), worker.is_bound()), (1, true));
        Ok(())
    })
}
