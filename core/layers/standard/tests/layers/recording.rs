use conduit::{Body, Error, ErrorKind, Executed, layer::CallKind};
use conduit_layers::{Record, RecordedKind};

use crate::{Result, World};

#[test]
fn it_tells_what_was_sent_and_what_came_of_it() -> Result {
    World::run(|world| async move {
        let record = Record::new();
        let node = world.builder("shop").layer(record.clone()).build()?;
        node.queue_bind("price").await?.serve(async |item: String| match item.len() {
            0 => Err("nothing costs nothing"),
            length => Ok(length),
        });
        let own = node.own_service();
        own.request("price", "tea").header("user", "Ada").await?;
        record.assert_sent("price", 1);
        record.assert_handled("price", 1);
        record.assert_all_ok();
        let kinds: Vec<_> = record.all().into_iter().map(|one| one.kind).collect();
        let (request, reply) = (CallKind::Request, CallKind::Reply);
        let sent = RecordedKind::Sent;
        assert_eq!(kinds, [sent(request), RecordedKind::Handled, sent(reply)]);
        let one = &record.sent("price")[0];
        assert_eq!(
            (one.body.as_deref(), one.headers.get("user")),
            (Some(&b"\"tea\""[..]), Some("Ada"))
        );

        record.clear();
        own.request("price", "").await.expect_err("it fails");
        let (asked, handled) = (&record.sent("price")[0], &record.handled("price")[0]);
        assert_eq!(asked.result, Some(Err(ErrorKind::HandlerFailed)));
        assert_eq!(asked.executed, Some(Executed::Yes));
        assert_eq!(handled.result, Some(Err(ErrorKind::HandlerFailed)));
        let panicked = std::panic::catch_unwind(|| record.assert_all_ok());
        assert!(panicked.is_err(), "something has failed");

        record.clear();
        let reader = Body::reader(futures_lite::io::Cursor::new(vec![7; 100_000]));
        own.send_body("nobody", reader).confirm().await.expect_err("nothing is bound");
        let one = &record.sent("nobody")[0];
        assert_eq!((one.body.as_deref(), one.executed), (None, Some(Executed::No)));
        Ok(())
    })
}

#[test]
fn it_knows_when_a_reply_was_not_read() -> Result {
    World::run(|world| async move {
        let record = Record::new();
        let node = world.node("shop")?;
        node.queue_bind("list").await?.to(async |message: conduit::Message<conduit_json::Json>| {
            message.reply_body(vec![7; 100_000]).await
        });
        let service = node.own_service().layer(record.clone());
        let reply = service.request("list", &()).await?;
        assert_eq!(record.sent("list")[0].was_completed, None, "it is still being read");
        drop(reply);
        assert_eq!(record.sent("list")[0].was_completed, Some(false));
        let reply = service.request("list", &()).await?;
        reply.to_bytes().await?;
        assert_eq!(record.sent("list")[1].was_completed, Some(true));
        Ok(())
    })
}

#[test]
fn it_keeps_the_newest() -> Result {
    World::run(|world| async move {
        let record = Record::new();
        let node = world.builder("shop").layer(record.clone()).build()?;
        for number in 0..Record::MAX + 10 {
            node.own_service().send("note", &number).await?;
        }
        let all = record.all();
        assert_eq!(all.len(), Record::MAX);
        assert_eq!(all[0].body.as_deref(), Some(&b"10"[..]));
        assert!(all.iter().all(conduit_layers::Recorded::is_ok));
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    Ok(())
}

#[test]
fn errors_are_the_callers_own() -> Result {
    World::run(|world| async move {
        let record = Record::new();
        let node = world.node("shop")?;
        let service = node.own_service().layer(record.clone());
        let error: Error = service.send("a b", "x").await.expect_err("it is no subject");
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        assert!(record.all().is_empty(), "what is no call passes no layer");
        Ok(())
    })
}
