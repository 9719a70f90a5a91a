//! What a handler says of its failure, and what of it the asker sees.

use bytes::Bytes;
use conduit::{
    Body, ErrorKind, Executed, Failure,
    proto::{
        ReasonCode,
        frame::{Frame, StreamId},
    },
    transport::{Address, Transport},
};
use futures_lite::stream;
use serde::{Deserialize, Deserializer};

use crate::support::{
    forger::Forger,
    world::{Node, TestResult, World, endless, millis, secs},
};

async fn fails(node: &Node, subject: &str) -> conduit::Error {
    node.own_service().request(subject, "text").await.map(drop).expect_err("it fails")
}

#[test]
fn what_serve_cannot_decode_did_not_run_and_what_a_handler_cannot_did() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_decode_size(5).build()?;
        node.queue_bind("serves").await?.serve(async |number: u8| Ok::<_, Failure>(number));
        node.queue_bind("serves.long").await?.serve(async |text: String| Ok::<_, Failure>(text));
        node.queue_bind("decodes").await?.to(|message| async move {
            message.decode::<u8>().await?;
            message.reply(&()).await
        });
        let cases = [
            // What goes to all bindings in one packet may have been executed by a `bind`.
            ("serves", ErrorKind::TooLarge, Executed::Maybe),
            ("serves.long", ErrorKind::TooLarge, Executed::Maybe),
            // After that, the broker says that there is none.
            ("serves", ErrorKind::TooLarge, Executed::No),
            ("serves.long", ErrorKind::TooLarge, Executed::No),
            ("decodes", ErrorKind::TooLarge, Executed::Yes),
        ];
        for (subject, kind, executed) in cases {
            let error = fails(&node, subject).await;
            assert_eq!((error.kind(), error.executed()), (kind, executed), "{subject}: {error:?}");
        }
        for (subject, executed) in [("serves", Executed::No), ("decodes", Executed::Yes)] {
            let asked = node.own_service().request(subject, "t").await;
            let error = asked.map(drop).expect_err("it is no number");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::NotDecoded, executed));
            assert!(!error.is_retryable(), "it will not be decoded later either");
        }
        Ok(())
    })
}

/// A value whose decoding panics.
struct Trap;

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        plan();
        Ok(Self)
    }
}

#[test]
fn serve_whose_decoding_panics_did_not_run_and_a_handler_that_decodes_did() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("serves").await?.serve(async |_: Trap| Ok::<_, Failure>(()));
        node.queue_bind("decodes").await?.to(|message| async move {
            let Trap = message.decode().await?;
            message.reply(&()).await
        });
        let cases = [
            // As above: a `bind` may have the first one.
            ("serves", Executed::Maybe),
            ("serves", Executed::No),
            ("decodes", Executed::Yes),
        ];
        for (subject, executed) in cases {
            let error = fails(&node, subject).await;
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::HandlerPanicked, executed), "{subject}");
            assert!(!error.is_retryable(), "it will panic later too");
        }
        Ok(())
    })
}

#[test]
fn serve_did_not_run_without_the_body_of_its_request() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("serves").await?.serve(async |text: String| Ok::<_, Failure>(text));
        node.queue_bind("reads")
            .await?
            .to(|message| async move { message.to_bytes().await.map(drop) });
        for (subject, executed) in [("serves", Executed::No), ("reads", Executed::Yes)] {
            let (asker, forger) = Forger::of(&world, "asker")?;
            let to = asker.service("a");
            let body = endless(b"first");
            let asked = world.sim.go(async move { to.request_body(subject, body).await });
            world.sim.sleep(millis(100)).await;
            // What it hears of its asker is that there is no more; its asker has not said so.
            let stream = StreamId { message: forger.seen()[0].message, reply: false };
            let reset = Frame::Reset { stream, port: None, reason: ReasonCode::Lost.into() };
            let inbox = Address::Inbox { service: "a".parse()?, instance: node.instance() };
            world.broker.publish(&inbox, reset.encode(), None).await?;
            let error = asked.recv().await?.map(drop).expect_err("the body did not arrive");
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::HandlerFailed, executed), "{subject}: {error:?}");
        }
        Ok(())
    })
}

#[test]
fn a_failure_says_whether_it_may_pass() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let busy = || Failure::new("busy", "the table is locked");
        node.queue_bind("passes").await?.to(move |_| async move { Err(busy().transient()) });
        node.queue_bind("stays").await?.to(move |_| async move { Err(busy()) });
        node.queue_bind("bare").await?.to(|_| async { Err(Failure::new("", "again").transient()) });
        for (subject, transient) in [("passes", true), ("stays", false), ("bare", true)] {
            let error = fails(&node, subject).await;
            let failure = error.failure().map(Failure::is_transient);
            assert_eq!(failure.unwrap_or(false), transient, "{subject}: {error:?}");
            assert_eq!((error.executed(), error.is_retryable()), (Executed::Yes, false));
        }
        Ok(())
    })
}

#[test]
fn a_handler_that_closing_cuts_off_says_that_it_was_executed() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("a")?);
        node.queue_bind("stuck").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        let asked = asker.service("a").request("stuck", &1);
        let asked = world.sim.go(asked);
        world.sim.idle().await;
        node.close().await;
        let error = asked.recv().await?.map(drop).expect_err("it was cut off");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Closed, Executed::Yes));
        assert!(world.elapsed() < secs(3));
        Ok(())
    })
}

#[test]
fn texts_cross_to_the_asker_as_the_builder_says() -> TestResult {
    // Whether panics are told, whether nothing is, and what is told of a panic and of a failure.
    let cases = [
        (false, false, "", "the disk is full"),
        (true, false, "out of bounds", "the disk is full"),
        (true, true, "", ""),
    ];
    for (panics, hides, panic, text) in cases {
        World::run(|world| async move {
            let builder = world.builder("a").send_panic_texts(panics).hide_failure_texts(hides);
            let node = builder.build()?;
            let bind = async |subject| node.queue_bind(subject).await;
            bind("panics").await?.to(|_| async { plan() });
            bind("fails").await?.to(|_| async { Err("the disk is full") });
            bind("explains").await?.to(|_| async { Err(Failure::new("full", "the disk is full")) });
            bind("decodes").await?.serve(async |number: u8| Ok::<_, Failure>(number));
            bind("streams").await?.to(|message| async move { message.reply_body(failing()).await });
            let told = |error: &conduit::Error, text: &str| match text {
                "" => assert!(!error.to_string().contains("disk") && !has_cause(error), "{error}"),
                text => assert!(error.to_string().contains(text), "{error} without {text}"),
            };
            told(&fails(&node, "panics").await, panic);
            told(&fails(&node, "fails").await, text);
            let explained = fails(&node, "explains").await;
            told(&explained, text);
            let failure = explained.failure().expect("it has a code");
            assert_eq!((failure.code(), failure.message()), ("full", text));
            let decoded = fails(&node, "decodes").await;
            assert_eq!(decoded.to_string().contains("expected u8"), !hides, "{decoded}");
            let reply = node.own_service().request("streams", "text").await?;
            told(&reply.to_bytes().await.expect_err("its producer fails"), text);
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })?;
    }
    Ok(())
}

/// Whether anything is said behind the kind.
fn has_cause(error: &conduit::Error) -> bool {
    !error.to_string().replace(": full", "").ends_with(&error.kind().to_string())
}

/// Panics, and prints nothing, since this is no bug.
fn plan() {
    std::panic::resume_unwind(Box::new("index out of bounds"));
}

/// A body that is streamed, and whose producer fails.
fn failing() -> Body {
    let first = Ok(Bytes::from(vec![7; 100_000]));
    Body::stream(stream::iter([first, Err(std::io::Error::other("the disk is full"))]))
}
