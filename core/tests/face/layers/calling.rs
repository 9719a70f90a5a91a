//! What layers do with messages that leave.

use std::{
    future::Future,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use conduit::{
    Body, ErrorKind, Executed, Message, MessageId,
    layer::{Arriving, CallKind, Clock, Layer, Next, OutboundCall, Outcome, Refusal},
};
use conduit_json::Json;
use futures_lite::{StreamExt, future};

use crate::support::world::{TestResult, World, endless, pattern, secs};

/// Refuses every call.
struct Refuse;

impl Layer for Refuse {
    async fn outbound(&self, _: OutboundCall, _: Next<'_>) -> Outcome {
        Refusal::busy("too many").into()
    }
}

/// Passes each call a number of times, and keeps the ids that arrive.
#[derive(Clone, Default)]
struct Again(usize, Arc<Mutex<Vec<Option<MessageId>>>>);

impl Layer for Again {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        for _ in 1..self.0 {
            if let Some(copy) = call.try_clone() {
                drop(next.run(copy).await);
            }
        }
        next.run(call).await
    }

    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        self.1.lock().expect("it does not panic").push(arriving.request());
        Ok(())
    }
}

/// Changes everything that can be changed.
struct Change;

impl Layer for Change {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        if call.kind() != CallKind::Request {
            return next.run(call).await;
        }
        call.headers_mut().set("changed", "yes").expect("it is valid");
        call.headers_mut().remove("secret");
        call.map_body(|body| match body.as_bytes() {
            Some(bytes) => Body::from(bytes.to_ascii_uppercase()),
            None => Body::stream(body.into_stream().map(|piece| {
                let piece: Bytes = piece?.to_ascii_uppercase().into();
                io::Result::Ok(piece)
            })),
        });
        let at = call.clock().now() + secs(2);
        call.shorten_deadline(at);
        call.shorten_deadline(at + secs(1));
        assert_eq!(call.deadline(), Some(at));
        next.run(call).await
    }
}

/// Panics before or after the rest.
struct Panic(bool);

impl Layer for Panic {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        assert!(!self.0, "before");
        let mut outcome = next.run(call).await;
        outcome.on_end(|_| panic!("in a closure"));
        panic!("after");
    }
}

/// Gives every call a deadline.
struct Late(u64);

impl Layer for Late {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        let at = call.clock().now() + secs(self.0);
        call.shorten_deadline(at);
        next.run(call).await
    }
}

async fn echo(message: Message<Json>) -> Result<(), conduit::Error> {
    assert_eq!(message.headers().get("secret"), None);
    let changed = message.headers().get("changed").unwrap_or("no").to_owned();
    let reply = message.reply_body(message.to_bytes().await?);
    reply.header("changed", changed).await
}

#[test]
fn a_layer_need_not_pass_a_call_on() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let worker = node.queue_bind("echo").await?.to(echo);
        let service = node.own_service().layer(Refuse);
        let error = service.request("echo", "x").await.expect_err("it is refused");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::No));
        assert_eq!(error.to_string(), "echo of a: the receiver has no room for it now: too many");
        service.send("echo", "x").await.expect_err("it is refused");
        let mut replies = service.request_all("echo", "x");
        replies.next().await.ok_or("it fails")?.expect_err("it is refused");
        assert!(replies.next().await.is_none());
        world.sim.idle().await;
        assert_eq!((worker.waiting(), node.stats().pending_requests), (0, 0));
        Ok(())
    })
}

#[test]
fn a_layer_of_replies_need_not_pass_them_on() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("echo").await?.layer(Refuse).to(echo);
        let error = node.own_service().request("echo", "x").await.expect_err("it has no reply");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReply, Executed::Yes));
        assert!(error.to_string().contains("too many"), "{error}");
        Ok(())
    })
}

#[test]
fn each_try_is_a_message_of_its_own_and_a_body_that_is_not_in_memory_has_one() -> TestResult {
    World::run(|world| async move {
        let again = Again(3, Arc::default());
        let node = world.node("a")?;
        node.queue_bind("echo").await?.layer(Again(1, Arc::clone(&again.1))).to(echo);
        let service = node.own_service().layer(again.clone());
        for (body, tries) in [
            (Body::from("small"), 3),
            (Body::from(pattern(100_000)), 3),
            (Body::sized_reader(futures_lite::io::Cursor::new(pattern(9_000)), 9_000), 1),
        ] {
            service.request_body("echo", body).await?;
            let mut ids = std::mem::take(&mut *again.1.lock().expect("it does not panic"));
            assert!(ids.iter().all(Option::is_some));
            ids.dedup();
            assert_eq!(ids.len(), tries);
        }
        Ok(())
    })
}

#[test]
fn headers_bodies_and_deadlines_can_be_changed() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").layer(Change).build()?;
        node.queue_bind("echo").await?.to(echo);
        let own = node.own_service();
        let reader = |text: &'static str| Body::reader(futures_lite::io::Cursor::new(text));
        let long = "a long text ".repeat(10_000);
        for (body, expected) in [
            (Body::from("small"), "SMALL".to_owned()),
            (reader("read"), "READ".to_owned()),
            (Body::from(long.as_str()), long.to_ascii_uppercase()),
            (Body::reader(futures_lite::io::Cursor::new(long.clone())), long.to_ascii_uppercase()),
        ] {
            let request =
                own.request_body("echo", body).header("secret", "s").header("changed", "no");
            let reply = request.await?;
            assert_eq!(reply.headers().get("changed"), Some("yes"));
            assert_eq!(reply.text().await?, expected);
        }
        node.queue_bind("never").await?.to(async |_: Message<Json>| future::pending::<()>().await);
        let before = world.elapsed();
        let error = own.request("never", "x").await.expect_err("its time is shortened");
        assert_eq!((error.kind(), world.elapsed() - before), (ErrorKind::Deadline, secs(2)));
        Ok(())
    })
}

#[test]
fn sends_and_replies_have_the_deadline_that_a_layer_sets() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        node.queue_bind("keep").await?.to(move |message| {
            let count = Arc::clone(&count);
            async move {
                message.to_bytes().await.expect_err("it does not arrive");
                count.fetch_add(1, Relaxed);
            }
        });
        let before = world.elapsed();
        let sending = node.own_service().layer(Late(2)).send_body("keep", endless(b"first"));
        let error = sending.await.expect_err("it has no end");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::Maybe));
        assert_eq!(world.elapsed() - before, secs(2));
        world.sim.idle().await;
        assert_eq!(ended.load(Relaxed), 1, "its receiver is told");

        let sending = node.own_service().layer(Late(2)).send_body("nobody", endless(b"first"));
        let error = sending.confirm().await.expect_err("nothing is bound");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));

        node.queue_bind("stall")
            .await?
            .layer(Late(3))
            .to(async |message: Message<Json>| message.reply_body(endless(b"first")).await);
        let before = world.elapsed();
        let reply = node.own_service().request("stall", "x").await?;
        let error = reply.to_bytes().await.expect_err("it has no end");
        assert_eq!((error.executed(), world.elapsed() - before), (Executed::Yes, secs(3)));
        Ok(())
    })
}

#[test]
fn a_panic_in_a_layer_is_a_failure_of_that_call() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("echo").await?.to(echo);
        for (panic, executed, text) in
            [(Panic(true), Executed::No, "before"), (Panic(false), Executed::Maybe, "after")]
        {
            let service = node.own_service().layer(panic);
            let errors = [
                service.request("echo", "x").await.expect_err("it panics"),
                service.send("echo", "x").await.expect_err("it panics"),
                service
                    .request_all("echo", "x")
                    .next()
                    .await
                    .ok_or("it fails")?
                    .expect_err("it panics"),
            ];
            for error in errors {
                assert_eq!((error.kind(), error.executed()), (ErrorKind::Layer, executed));
                assert!(error.to_string().contains(text), "{error}");
            }
        }
        assert_eq!(node.own_service().request_body("echo", "x").await?.text().await?, "x");
        Ok(())
    })
}

/// Takes a clock along.
#[derive(Clone, Default)]
struct Clocked(Arc<Mutex<Option<Clock>>>);

impl Layer for Clocked {
    fn outbound(&self, call: OutboundCall, next: Next<'_>) -> impl Future<Output = Outcome> + Send {
        *self.0.lock().expect("it does not panic") = Some(call.clock().clone());
        next.run(call)
    }
}

#[test]
fn layers_have_the_time_of_the_runtime() -> TestResult {
    World::run(|world| async move {
        let clocked = Clocked::default();
        let node = world.builder("a").layer(clocked.clone()).build()?;
        node.own_service().send("nobody", "x").await?;
        let clock = clocked.0.lock().expect("it does not panic").take().ok_or("it was passed")?;
        let before = (clock.now(), world.elapsed());
        clock.sleep(secs(3600)).await;
        assert_eq!((clock.now() - before.0, world.elapsed() - before.1), (secs(3600), secs(3600)));
        clock.sleep_until(before.0).await;
        assert_eq!(clock.now() - before.0, secs(3600), "what has passed is not waited for");
        Ok(())
    })
}
