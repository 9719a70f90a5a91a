use std::sync::Arc;

use conduit::{Body, ErrorKind};
use futures_lite::{StreamExt, future};

use crate::support::world::{TestResult, World, endless, pattern, read_exact, read_to_end, secs};

#[test]
fn a_body_that_was_read_in_part_can_be_passed_on() -> TestResult {
    for length in [1_000, 100_000] {
        World::run(|world| async move {
            let node = world.node("a")?;
            node.queue_bind("x").await?.to(|message| async move {
                let mut body = message.take_body()?;
                read_exact(&mut body, 10).await?;
                message.reply_body(body).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            });
            let reply = node.own_service().request_body("x", pattern(length)).await?;
            assert_eq!(reply.to_bytes().await?, pattern(length)[10..]);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_body_that_was_collected_in_part_can_still_be_taken() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let (pieces, body) = async_channel::unbounded::<Vec<u8>>();
        let body = Body::stream(body.map(|piece| Ok(piece.into())));
        let sent = world.sim.go(node.own_service().send_body("x", body));
        pieces.send(b"one".to_vec()).await?;
        let message = bound.next().await.expect("it is bound");
        world.sim.idle().await;
        {
            let mut whole = Box::pin(message.to_bytes());
            assert!(future::poll_once(&mut whole).await.is_none());
        }
        let mut body = message.take_body()?;
        pieces.send(b"two".to_vec()).await?;
        pieces.close();
        assert_eq!(read_to_end(&mut body).await?, b"onetwo");
        sent.recv().await??;
        Ok(())
    })
}

#[test]
fn a_message_that_several_collect_wakes_each() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let (pieces, body) = async_channel::unbounded::<Vec<u8>>();
        let body = Body::stream(body.map(|piece| Ok(piece.into())));
        let sent = world.sim.go(node.own_service().send_body("x", body));
        pieces.send(b"one".to_vec()).await?;
        let message = Arc::new(bound.next().await.expect("it is bound"));
        let collect = || {
            let message = Arc::clone(&message);
            world.sim.go(async move { message.to_bytes().await })
        };
        let (first, second) = (collect(), collect());
        world.sim.idle().await;
        {
            let mut third = Box::pin(message.to_bytes());
            assert!(future::poll_once(&mut third).await.is_none());
        }
        pieces.close();
        assert_eq!(first.recv().await??, "one");
        assert_eq!(second.recv().await??, "one");
        sent.recv().await??;
        Ok(())
    })
}

#[test]
fn a_pausing_source_does_not_hold_back_what_it_gave() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let sent = world.sim.go(node.own_service().send_body("x", endless(b"first")));
        let mut message = bound.next().await.expect("it is bound");
        assert_eq!(read_exact(&mut message, 5).await?, b"first");
        assert_eq!(message.take_body().map(drop).expect_err("read").kind(), ErrorKind::BodyTaken);
        assert_eq!(message.to_bytes().await.expect_err("read").kind(), ErrorKind::BodyTaken);
        assert_eq!(world.elapsed(), secs(0));
        drop(message);
        sent.recv().await?.map(drop).expect_err("nobody reads it");
        Ok(())
    })
}

#[test]
fn a_source_that_fails_fails_at_both_sides() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let sources = [
            Body::sized_reader(futures_lite::io::Cursor::new(pattern(50_000)), 50_001),
            Body::sized_reader(futures_lite::io::Cursor::new(pattern(50_000)), 49_999),
        ];
        for source in sources {
            let sent = world.sim.go(node.own_service().send_body("x", source));
            let message = bound.next().await.expect("it is bound");
            let read = message.to_bytes().await.expect_err("its producer failed");
            assert_eq!(read.kind(), ErrorKind::BodyFailed, "{read}");
            assert!(read.to_string().contains("than announced"), "{read}");
            let sent = sent.recv().await?.map(drop).expect_err("its producer failed");
            assert_eq!(sent.kind(), ErrorKind::BodyFailed, "{sent}");
        }
        Ok(())
    })
}

#[test]
fn a_deadline_ends_a_reply_that_keeps_coming() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        node.queue_bind("x")
            .await?
            .to(|message| async move { message.reply_body(pattern(10 << 20)).await });
        let reply = node.own_service().request("x", &()).timeout(secs(5)).await?;
        let mut body = reply.take_body()?;
        let mut read = 0;
        let error = loop {
            match body.next().await {
                Some(Ok(bytes)) => read += bytes.len(),
                Some(Err(error)) => break error,
                None => return Err(format!("all {read} bytes came in time").into()),
            }
            world.sim.sleep(secs(1)).await;
        };
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert_eq!(world.elapsed(), secs(5));
        Ok(())
    })
}
