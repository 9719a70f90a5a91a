use conduit::{ErrorKind, Executed};

use crate::support::world::{TestResult, World, secs};

#[test]
fn a_panic_is_contained_and_answered() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let own = node.own_service();
        let worker = node.queue_bind("x").await?.to(|message| {
            let first = message.headers().get("panic") == Some("at once");
            assert!(!first, "at once");
            async move {
                assert!(message.headers().is_empty(), "while awaited");
                message.reply(&1).await
            }
        });
        for when in ["at once", "while awaited"] {
            let error = own.request("x", &1).header("panic", when).await.expect_err("it panics");
            assert_eq!(error.kind(), ErrorKind::HandlerPanicked);
            assert_eq!(error.executed(), Executed::Yes);
            assert_eq!(error.to_string(), "x of a: the handler panicked", "and not why");
            own.send("x", &1).header("panic", when).await?;
        }
        assert_eq!(own.request("x", &1).await?.decode::<u8>().await?, 1);
        assert!(worker.is_bound());
        assert_eq!(node.stats().open_requests, 0);
        Ok(())
    })
}

/// An error that cannot be printed.
#[derive(Debug)]
struct Unprintable;

impl std::fmt::Display for Unprintable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::panic::resume_unwind(Box::new("it cannot be printed"))
    }
}

impl std::error::Error for Unprintable {}

#[test]
fn an_error_that_panics_while_it_is_printed_is_contained_too() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("x").await?.to(|message| async move {
            match message.decode::<u8>().await {
                Ok(_) => Err(Box::<dyn std::error::Error + Send + Sync>::from(Unprintable)),
                Err(error) => Err(error.into()),
            }
        });
        for (body, kind) in [("1", ErrorKind::HandlerPanicked), ("?", ErrorKind::NotDecoded)] {
            let asked = node.own_service().request_body("x", body).await;
            let error = asked.map(drop).expect_err("it fails");
            assert_eq!(error.kind(), kind);
        }
        Ok(())
    })
}

#[test]
fn what_a_handler_returns_is_answered() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let own = node.own_service();
        node.queue_bind("decodes").await?.to(|message| async move {
            message.decode::<u8>().await?;
            message.reply(&()).await
        });
        node.queue_bind("fails")
            .await?
            .to(|_| async { Err(std::io::Error::other("the disk is full")) });
        node.queue_bind("silent").await?.to(|_| async {});
        node.queue_bind("limits")
            .await?
            .to(|message| async move { message.to_bytes().await.map(drop) });
        let asked = |subject, text: &str| own.request(subject, text);
        let cases = [
            (asked("decodes", "text"), ErrorKind::NotDecoded, "the body could not be decoded"),
            (asked("fails", ""), ErrorKind::HandlerFailed, "the disk is full"),
            (asked("silent", ""), ErrorKind::NoReply, "the handler ended without a reply"),
            (asked("limits", &"x".repeat(6 << 20)), ErrorKind::TooLarge, "too large"),
        ];
        for (request, kind, text) in cases {
            let error = request.await.map(drop).expect_err("it fails");
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert_ne!(error.executed(), Executed::No);
        }
        assert!(world.elapsed() < secs(1), "each is known at once");
        Ok(())
    })
}

#[test]
fn a_reply_that_a_handler_cannot_decode_is_a_failure_of_the_handler() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("inner").await?.to(|message| async move { message.reply("text").await });
        node.queue_bind("outer").await?.to(|message| async move {
            let inner = message.service("a").request("inner", &()).await?;
            message.reply(&inner.decode::<u8>().await?).await
        });
        let error = node.own_service().request("outer", &()).await.expect_err("it is text");
        assert_eq!(error.kind(), ErrorKind::HandlerFailed, "{error}");
        Ok(())
    })
}

#[test]
fn an_error_after_the_reply_changes_nothing() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("x").await?.to(|message| async move {
            message.reply(&1).await?;
            Err::<(), _>(conduit::Error::from(ErrorKind::Other))
        });
        let reply = node.own_service().request("x", &()).await?;
        assert_eq!(reply.decode::<u8>().await?, 1);
        Ok(())
    })
}
