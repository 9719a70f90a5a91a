//! What layers do around handlers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use conduit::{
    Error, ErrorKind, Executed, Failure, Message,
    layer::{
        InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall, Outcome, Refusal,
    },
};
use conduit_json::Json;
use futures_lite::future;

use super::{bodies, size};
use crate::support::world::{TestResult, World, pattern, secs};

/// Refuses before a handler.
struct Refuse(fn() -> Refusal);

impl Layer for Refuse {
    async fn inbound(&self, _: InboundCall, _: InboundNext<'_>) -> InboundOutcome {
        self.0().into()
    }
}

/// Waits before a handler.
struct Wait(Duration);

impl Layer for Wait {
    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        call.clock().sleep(self.0).await;
        next.run(call).await
    }
}

/// Gives up a handler after a time.
struct GiveUp(Duration);

impl Layer for GiveUp {
    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let late = call.clock().sleep(self.0);
        future::or(next.run(call), async {
            late.await;
            InboundOutcome::failed(Failure::new("slow", "it took too long"))
        })
        .await
    }
}

/// Panics before or after a handler.
struct Panic(bool);

impl Layer for Panic {
    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        assert!(!self.0, "before");
        let _ = next.run(call).await;
        panic!("after");
    }
}

#[test]
fn what_a_layer_does_not_pass_on_goes_to_another_member_if_it_is_busy() -> TestResult {
    World::run(|world| async move {
        let (full, worker) = (world.node("worker")?, world.node("worker")?);
        full.queue_bind("size").await?.layer(Refuse(|| Refusal::busy("later"))).to(size);
        worker.queue_bind("size").await?.to(size);
        let service = world.node("client")?.service("worker");
        for _ in 0..4 {
            for body in bodies() {
                let length = body.len().ok_or("it is known")?;
                let reply = service.request_body("size", body).await?;
                assert_eq!(reply.source().instance, worker.instance());
                assert_eq!(reply.decode::<u64>().await?, length);
            }
        }
        Ok(())
    })
}

#[test]
fn what_a_layer_refuses_was_not_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let refuse = || Refuse(|| Refusal::refused("never"));
        let queue = node.queue_bind("queue").await?.layer(refuse()).to(size);
        let plain = node.bind("plain").await?.layer(refuse()).to(size);
        let own = node.own_service();
        for subject in ["queue", "plain"] {
            let sent = own.send_body(subject, pattern(100_000)).expect(1).await;
            let asked = own.request_body(subject, pattern(100_000)).await;
            for error in [sent.expect_err("refused"), asked.expect_err("refused")] {
                let told = (error.kind(), error.executed());
                assert_eq!(told, (ErrorKind::Refused, Executed::No), "{subject}: {error:?}");
            }
            own.send(subject, "small").await?;
            own.request(subject, "small").await.expect_err("refused");
        }
        let error = own.request("queue", "small").await.expect_err("refused");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Refused, Executed::No));
        world.sim.idle().await;
        assert_eq!((queue.refused(), plain.refused()), (1, 4));
        assert_eq!(node.stats().refused_messages, 5);
        Ok(())
    })
}

#[test]
fn a_message_may_wait_for_its_layers_for_longer_than_the_idle_limit() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        node.queue_bind("size").await?.layer(Wait(secs(45))).to(size);
        let own = node.own_service();
        for body in bodies() {
            let (before, length) = (world.elapsed(), body.len());
            let reply = own.request_body("size", body).timeout(secs(90)).await?;
            assert_eq!(Some(reply.decode::<u64>().await?), length);
            assert!(world.elapsed() - before >= secs(45));
        }
        own.send_body("size", pattern(100_000)).await?;
        Ok(())
    })
}

#[test]
fn a_handler_that_a_layer_gives_up_was_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let worker = node.queue_bind("slow").await?.layer(GiveUp(secs(2)));
        let worker = worker.to(async |_: Message<Json>| future::pending::<()>().await);
        let error = node.own_service().request("slow", "x").await.expect_err("it is slow");
        assert_eq!(error.failure().map(Failure::code), Some("slow"));
        assert_eq!((error.executed(), world.elapsed()), (Executed::Yes, secs(2)));
        assert!(worker.is_bound());
        Ok(())
    })
}

#[test]
fn a_panic_in_a_layer_is_one_of_that_handler() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").send_panic_texts(true).build()?;
        node.queue_bind("before").await?.layer(Panic(true)).to(size);
        node.queue_bind("after").await?.layer(Panic(false)).to(async |message: Message<Json>| {
            drop(message.to_bytes().await);
        });
        let own = node.own_service();
        for (subject, executed) in [("before", Executed::No), ("after", Executed::Yes)] {
            for body in bodies() {
                own.request_body(subject, "first").await.expect_err("it panics");
                let error = own.request_body(subject, body).await.expect_err("it panics");
                assert_eq!(error.kind(), ErrorKind::HandlerPanicked, "{error:?}");
                assert_eq!(error.executed(), executed, "{error:?}");
                assert!(error.to_string().contains(subject), "{error}");
            }
        }
        Ok(())
    })
}

#[test]
fn handlers_with_layers_run_concurrently_and_end_with_the_conduit() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").layer(Wait(secs(1))).build()?;
        let meeting = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&meeting);
        node.queue_bind("meet").await?.concurrency(2).serve(move |()| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Relaxed);
                while count.load(Relaxed) < 2 {
                    future::yield_now().await;
                }
                Ok::<_, Error>(())
            }
        });
        let own = node.own_service();
        let (one, other) = future::zip(own.request("meet", &()), own.request("meet", &())).await;
        one?;
        other?;
        let asked = world.sim.go(own.request("meet", &()).into_future());
        world.sim.sleep(Duration::from_millis(500)).await;
        let drained = node.drain(Duration::from_millis(100)).await;
        assert_eq!((drained.finished, drained.aborted), (0, 1));
        let error = asked.recv().await?.expect_err("it was closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(Arc::strong_count(&meeting), 1, "the handlers are dropped");
        Ok(())
    })
}

#[derive(Debug, Clone, PartialEq)]
struct Trace(String);

/// Passes a trace on: from a header to the extensions, and from there to the header of what is sent on
/// behalf of the message.
#[derive(Clone, Default)]
struct Tracing(Arc<Mutex<Vec<String>>>);

impl Layer for Tracing {
    async fn inbound(&self, mut call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let parent = call.incoming().headers().get("trace").unwrap_or("none");
        let trace = Trace(format!("{parent}/{}", call.incoming().subject()));
        call.extensions_mut().insert(trace);
        next.run(call).await
    }

    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        if let Some(Trace(trace)) = call.extensions().get().cloned() {
            call.headers_mut().add("trace", trace).expect("it is valid");
        }
        let cause = call.cause().map_or("nothing", |cause| cause.subject().as_str());
        let note = format!("{:?} {} because of {cause}", call.kind(), call.subject());
        self.0.lock().expect("it does not panic").push(note);
        next.run(call).await
    }
}

#[test]
fn what_a_handler_sends_has_the_extensions_of_its_message() -> TestResult {
    World::run(|world| async move {
        let tracing = Tracing::default();
        let node = world.builder("a").layer(tracing.clone()).build()?;
        node.queue_bind("first").await?.serve_with(async |(), message: Message<Json>| {
            assert_eq!(message.extensions().get(), Some(&Trace("none/first".to_owned())));
            let reply = message.service("a").request("second", &()).await?;
            reply.decode::<String>().await
        });
        node.queue_bind("second").await?.to(async |message: Message<Json>| {
            message.service("a").send("third", &()).await?;
            let Trace(trace) = message.extensions().get().cloned().ok_or("it has a trace")?;
            message.reply(&trace).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
        let mut third = node.bind("third").await?;
        let reply = node.own_service().request("first", &()).await?;
        assert_eq!(reply.headers().get("trace"), Some("none/first"));
        assert_eq!(reply.decode::<String>().await?, "none/first/second");
        let third = third.next().await.ok_or("it is bound")?;
        assert_eq!(third.headers().get("trace"), Some("none/first/second"));
        let expected = [
            "Request first because of nothing",
            "Request second because of first",
            "OneWay third because of second",
            "Reply second because of second",
            "Reply first because of first",
        ];
        assert_eq!(*tracing.0.lock().expect("it does not panic"), expected);
        Ok(())
    })
}
