use std::{error::Error as StdError, io};

use conduit::{
    Error, ErrorKind, Executed, Failure, Headers, InstanceId, NameError, Subject,
    transport::{Token, TransportError, TransportErrorKind},
};

use crate::support::world::{TestResult, World, millis, secs};

#[test]
fn an_error_is_a_sentence_with_its_source() {
    let error = Error::from(Subject::new("a b").expect_err("a space"));
    assert_eq!(error.to_string(), "the name is not valid");
    assert_eq!(
        format!("{error:#}"),
        r#"the name is not valid: "a b" cannot be a subject: ' ' is not an ASCII letter, a digit, '-' or '_'"#
    );
    let source = error.source().expect("the broken rule");
    assert!(source.is::<NameError>());
    let sentence = format!("{error:#} (InvalidName, executed: No)");
    assert_eq!(format!("{error:?}"), sentence, "`main` may return it");
    assert_eq!(format!("{:#}", anyhow::Error::from(error)), sentence[..sentence.len() - 28]);
    assert_eq!(Error::from(ErrorKind::Closed).to_string(), "this conduit is closed");
    assert!(Error::from(ErrorKind::Closed).source().is_none());
}

#[test]
fn a_main_that_returns_an_error_prints_a_sentence() -> TestResult {
    let mut errors: Vec<Box<dyn StdError>> = vec![
        Subject::new("a b").expect_err("a space").into(),
        Headers::new().add("a b", "").expect_err("a space").into(),
        "1F".parse::<InstanceId>().expect_err("it is too short").into(),
        "g00".parse::<Token>().expect_err("it is too short").into(),
        Failure::new("no.stock", "there are none").into(),
        TransportError::new(TransportErrorKind::Denied, "not you").into(),
    ];
    for error in &errors {
        let (printed, structured) = (format!("{error:?}"), format!("{error:#?}"));
        assert!(printed.starts_with(&error.to_string()), "{printed}");
        assert_ne!(printed, structured);
    }
    let denied = format!("{:?}", errors.pop().expect("it is the last"));
    assert_eq!(denied, "the broker does not permit it: not you");
    Ok(())
}

#[test]
fn an_error_has_a_form_for_programmers_too() -> TestResult {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.queue_bind("order").await?.to(|_| async move { Err(Failure::new("none", "no \n")) });
        let error = node.own_service().request("order", &1).await.expect_err("it fails");
        let shown = format!("{error:#?}");
        let instance = node.instance();
        let expected = format!(
            "Error {{\n    kind: HandlerFailed,\n    executed: Yes,\n    service: \"shop\",\n    subject: \
             \"order\",\n    instance: {instance:?},\n    code: \"none\",\n    text: {error:#},\n}}"
        );
        assert_eq!(shown, expected);
        Ok(())
    })
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
        assert_eq!(error.to_string(), Error::from(kind).to_string());
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
            text.to_bytes().await.map(drop).expect_err("it is too large"),
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
        let error = reply.to_bytes().await.expect_err("it never ends");
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert_ne!(error.executed(), Executed::No);
        assert_eq!(world.elapsed(), millis(100));
        Ok(())
    })
}

#[test]
fn what_another_says_is_printed_without_control_characters() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let evil = "red \u{1b}[31m\r\nforged line \u{202e}";
        node.queue_bind("text").await?.to(move |_| async move { Err(evil) });
        node.queue_bind("code").await?.to(move |_| async move { Err(Failure::new(evil, evil)) });
        for subject in ["text", "code"] {
            let error = node.own_service().request(subject, &1).await.expect_err("it fails");
            let mut printed = vec![format!("{error}"), format!("{error:#}"), format!("{error:?}")];
            if let Some(failure) = error.failure() {
                assert_eq!((failure.code(), failure.message()), (evil, evil), "as it was said");
                printed.push(failure.to_string());
            }
            for text in printed {
                assert!(!text.contains(['\u{1b}', '\r', '\n', '\u{202e}']), "{text:?}");
                assert!(text.contains("forged line"), "{text}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_value_that_cannot_be_decoded_is_not_printed_and_the_rest_of_the_cause_is() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let secret = "s3cret".repeat(200_000);
        let _sent = world.sim.go(node.own_service().send("x", &secret));
        let message = bound.next().await.expect("it is bound");
        let error = message.decode::<u8>().await.expect_err("it is a text");
        for text in [format!("{error}"), format!("{error:#}"), format!("{error:?}")] {
            assert!(text.len() < 200 && !text.contains("s3cret"), "{} bytes", text.len());
        }
        assert!(format!("{error:#}").contains("expected u8 at line 1 column 1200002"), "{error:#}");
        let source = error.source().expect("serde_json's own error").to_string();
        assert!(source.contains("s3cret"), "the source is as it was");
        Ok(())
    })
}

#[test]
fn an_error_says_whose_conduit_is_closed() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("a")?);
        node.queue_bind("stuck").await?.to(|message| async move {
            let _message = message;
            std::future::pending::<()>().await;
        });
        let asked = world.sim.go(asker.service("a").request("stuck", &1));
        world.sim.idle().await;
        node.close().await;
        let theirs = asked.recv().await?.map(drop).expect_err("it is closed");
        assert_eq!(theirs.to_string(), "stuck of a: the other side's conduit is closed");
        assert_eq!(theirs.instance(), Some(node.instance()));
        let ours = node.service("asker").send("x", &1).await.expect_err("it is closed");
        assert_eq!(ours.to_string(), "x of asker: this conduit is closed");
        assert_eq!(ours.instance(), None);
        Ok(())
    })
}
