use std::error::Error as _;

use conduit::{ErrorKind, HeaderError, Headers};

use crate::support::world::{TestResult, World};

#[test]
fn limits_are_kept() -> TestResult {
    let mut headers = Headers::new();
    for key in ["", "a b", "ä", "a\n", &"k".repeat(129)] {
        let error = headers.add(key, "value").expect_err("the key is not valid");
        assert!(matches!(&error, HeaderError::InvalidKey(_)), "{error}");
    }
    assert!(headers.is_empty());
    headers.add("k".repeat(128), "v")?;
    headers.add("key", "any text: ü, \n, \0")?;
    headers.add("key", "again")?;
    assert_eq!(headers.get("key"), Some("any text: ü, \n, \0"));
    assert_eq!(headers.get("Key"), None);
    assert_eq!(headers.len(), 3);

    let mut headers = Headers::new();
    headers.add("k", "v".repeat(Headers::MAX_BYTES - 1))?;
    assert_eq!(headers.add("k", ""), Err(HeaderError::TooLarge));
    let mut headers = Headers::new();
    for _ in 0..Headers::MAX_COUNT {
        headers.add("k", "")?;
    }
    assert_eq!(headers.add("k", ""), Err(HeaderError::TooLarge));
    Ok(())
}

#[test]
fn they_travel_in_their_order() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("echo").await?.to(|message| async move {
            let first = message.headers().get("k").unwrap_or_default().to_owned();
            message.reply(&()).header("was", first).await
        });
        let mut bound = node.bind("echo").await?;
        let own = node.own_service();
        let request = own.request("echo", &()).header("k", "1").header("j", "").header("k", "2");
        assert_eq!(request.await?.headers().get("was"), Some("1"));
        let message = bound.next().await.expect("it is bound");
        let headers: Vec<_> = message.headers().iter().collect();
        assert_eq!(headers, [("k", "1"), ("j", ""), ("k", "2")]);
        Ok(())
    })
}

#[test]
fn one_that_is_not_valid_is_reported_when_awaited() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let own = node.own_service();
        let errors = [
            own.send("x", &1).header("", "v").header("k", "v").await.map(drop),
            own.request("x", &1).header("a b", "v").await.map(drop),
            own.send_body("x", ()).header("k", "v".repeat(8192)).await.map(drop),
        ];
        for error in errors.map(|result| result.expect_err("the header is not valid")) {
            assert_eq!(error.kind(), ErrorKind::InvalidHeader);
            assert!(error.source().is_some_and(<dyn std::error::Error>::is::<HeaderError>));
        }
        world.sim.idle().await;
        assert_eq!(bound.waiting(), 0, "none was sent");

        // A reply that cannot be made can be made again.
        let reply = world.sim.go(own.request("x", &1));
        let request = bound.next().await.expect("it is bound");
        let error = request.reply(&1).header("ä", "").await.expect_err("the header is not valid");
        assert_eq!(error.kind(), ErrorKind::InvalidHeader);
        request.reply(&2).await?;
        assert_eq!(reply.recv().await??.decode::<u8>().await?, 2);
        Ok(())
    })
}
