use std::{error::Error as _, io};

use conduit::{Error, ErrorKind, Executed, NameError, Subject};

use crate::support::world::{TestResult, World, millis, secs};

#[test]
fn an_error_is_a_sentence_with_its_source() {
    let error = Error::from(Subject::new("a b").expect_err("a space"));
    assert_eq!(
        error.to_string(),
        r#"the name is not valid: "a b" cannot be a subject: ' ' is not an ASCII letter, a digit, '-' or '_'"#
    );
    let source = error.source().expect("the broken rule");
    assert!(source.is::<NameError>());
    assert_eq!(Error::from(ErrorKind::Closed).to_string(), "the conduit is closed");
    assert!(Error::from(ErrorKind::Closed).source().is_none());
}

#[test]
fn an_io_error_keeps_it() {
    let kinds = [
        (ErrorKind::Deadline, io::ErrorKind::TimedOut),
        (ErrorKind::Lost, io::ErrorKind::ConnectionAborted),
        (ErrorKind::Closed, io::ErrorKind::ConnectionAborted),
        (ErrorKind::Corrupt, io::ErrorKind::InvalidData),
        (ErrorKind::Lagged, io::ErrorKind::Other),
    ];
    for (kind, expected) in kinds {
        let error = io::Error::from(Error::from(kind));
        assert_eq!(error.kind(), expected);
        assert_eq!(error.to_string(), kind.to_string());
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        assert_eq!(inner.map(Error::kind), Some(kind));
    }
}

#[test]
fn a_request_says_whether_the_handler_was_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let own = node.own_service();
        let nobody = own.request("nobody", &1).await.expect_err("nobody is bound");
        assert_eq!((nobody.kind(), nobody.executed()), (ErrorKind::NoReceivers, Executed::No));

        node.queue_bind("fails").await?.to(|_| async { Err("no such user") });
        let failed = own.request("fails", &1).await.expect_err("it fails");
        assert_eq!((failed.kind(), failed.executed()), (ErrorKind::HandlerFailed, Executed::Yes));
        assert_eq!(failed.to_string(), "fails of a: the handler failed: no such user");

        node.queue_bind("stuck").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        let late = own.request("stuck", &1).timeout(secs(1)).await.expect_err("it is stuck");
        assert_eq!((late.kind(), late.executed()), (ErrorKind::Deadline, Executed::Maybe));
        assert_eq!(late.to_string(), "stuck of a: the deadline passed");
        Ok(())
    })
}

#[test]
fn a_reply_that_cannot_be_used_says_that_its_handler_was_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_decode_size(10).build()?;
        node.queue_bind("text")
            .await?
            .to(|message| async move { message.reply("not a number").await });
        node.queue_bind("raw")
            .await?
            .to(|message| async move { message.reply_body(vec![0xff; 4]).await });
        let own = node.own_service();
        let text = own.request("text", &1).await?;
        let raw = own.request("raw", &1).await?;
        let errors = [
            text.bytes().await.map(drop).expect_err("it is too large"),
            text.decode::<u8>().await.map(drop).expect_err("it is too large"),
            raw.decode::<u8>().await.map(drop).expect_err("it is not JSON"),
            raw.text().await.map(drop).expect_err("it is not text"),
        ];
        let kinds = errors.each_ref().map(Error::kind);
        use ErrorKind::{Decode, NotText, TooLarge};
        assert_eq!(kinds, [TooLarge, TooLarge, Decode, NotText]);
        assert_eq!(errors.each_ref().map(Error::executed), [Executed::Yes; 4]);
        Ok(())
    })
}

#[test]
fn a_reply_that_is_read_too_late_says_that_its_handler_may_have_been_executed() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("slow").await?.to(|message| async move {
            message.reply_body(crate::support::world::endless(b"first")).await
        });
        let reply = node.own_service().request("slow", &1).timeout(millis(100)).await?;
        let error = reply.bytes().await.expect_err("it never ends");
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert_ne!(error.executed(), Executed::No);
        assert_eq!(world.elapsed(), millis(100));
        Ok(())
    })
}
