//! Bodies that another task writes.

use std::{io, panic::AssertUnwindSafe};

use bytes::Bytes;
use conduit::{Body, BodyWriter, ErrorKind};
use futures_lite::{AsyncWriteExt, FutureExt, future};

use crate::support::world::{Node, TestResult, World, pattern, read_to_end};

/// Sends a body, and gives the results of its reader and of its sender.
async fn transfer(
    world: &World,
    node: &Node,
    body: Body,
) -> Result<
    (Result<Bytes, ErrorKind>, Result<(), ErrorKind>),
    Box<dyn std::error::Error + Send + Sync>,
> {
    let mut bound = node.queue_bind("x").await?;
    let sent = world.sim.go(node.own_service().send_body("x", body));
    let message = bound.next().await.expect("it is bound");
    let read = message.to_bytes().await.map_err(|error| error.kind());
    drop(message);
    Ok((read, sent.recv().await?.map(drop).map_err(|error| error.kind())))
}

#[test]
fn what_is_written_and_finished_arrives_whole() -> TestResult {
    for length in [0, 10, 16 << 10, 300_000] {
        World::run(|world| async move {
            let node = world.node("a")?;
            let (mut writer, body) = Body::writer();
            let written = world.sim.go(async move {
                for piece in pattern(length).chunks(1_000) {
                    writer.write_all(piece).await?;
                }
                writer.finish();
                io::Result::Ok(())
            });
            let (read, sent) = transfer(&world, &node, body).await?;
            written.recv().await??;
            assert_eq!(read, Ok(pattern(length).into()));
            assert_eq!(sent, Ok(()));
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn bytes_are_sent_as_they_are() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let (mut writer, body) = Body::sized_writer(300_000);
        assert_eq!(body.len(), Some(300_000));
        let written = world.sim.go(async move {
            let bytes = Bytes::from(pattern(300_000));
            writer.send(bytes.slice(..200_000)).await?;
            writer.send(Bytes::new()).await?;
            writer.send(bytes.slice(200_000..)).await?;
            writer.close().await
        });
        let (read, sent) = transfer(&world, &node, body).await?;
        written.recv().await??;
        assert_eq!(read, Ok(pattern(300_000).into()));
        assert_eq!(sent, Ok(()));
        Ok(())
    })
}

/// What the two sides of a body get whose writer has written something and then ends.
async fn ended(world: &World, text: &str, end: impl FnOnce(BodyWriter)) -> TestResult {
    let node = world.node("a")?;
    let mut bound = node.queue_bind("x").await?;
    let (mut writer, body) = Body::writer();
    writer.write_all(&pattern(1_000)).await?;
    let sent = world.sim.go(node.own_service().send_body("x", body));
    let message = bound.next().await.expect("it is bound");
    end(writer);
    let error = message.to_bytes().await.expect_err("it is not whole");
    assert_eq!(error.kind(), ErrorKind::BodyFailed);
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(sent.recv().await?.expect_err("it failed").kind(), ErrorKind::BodyFailed);
    Ok(())
}

#[test]
fn a_writer_that_is_dropped_before_it_is_finished_fails_the_body() -> TestResult {
    World::run(|world| async move { ended(&world, "dropped before it was finished", drop).await })
}

#[test]
fn a_producer_that_panics_half_way_fails_the_body() -> TestResult {
    World::run(|world| async move {
        ended(&world, "dropped before it was finished", |mut writer| {
            let produce = async move {
                writer.write_all(b"half").await.expect("it is written");
                panic!("the producer fails");
            };
            let panicked = future::block_on(AssertUnwindSafe(produce).catch_unwind());
            assert!(panicked.is_err());
        })
        .await
    })
}

#[test]
fn a_writer_can_say_why_it_fails() -> TestResult {
    World::run(|world| async move {
        let full = || io::Error::other("the disk is full");
        ended(&world, "the disk is full", |writer| writer.fail(full())).await
    })
}

#[test]
fn a_writer_that_writes_less_than_announced_fails_the_body() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let (mut writer, body) = Body::sized_writer(100_000);
        world.sim.go(async move {
            writer.write_all(&pattern(99_999)).await.expect("it is written");
            writer.finish();
        });
        let (read, sent) = transfer(&world, &node, body).await?;
        assert_eq!((read, sent), (Err(ErrorKind::BodyFailed), Err(ErrorKind::BodyFailed)));
        Ok(())
    })
}

#[test]
fn a_reply_can_be_written_while_it_is_sent() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let sim = world.sim.clone();
        node.queue_bind("x").await?.to(move |message| {
            let (mut writer, body) = Body::writer();
            let written = sim.go(async move {
                writer.write_all(&pattern(500_000)).await?;
                writer.finish();
                io::Result::Ok(())
            });
            async move {
                message.reply_body(body).await?;
                written.recv().await??;
                TestResult::Ok(())
            }
        });
        let reply = node.own_service().request_body("x", ()).await?;
        assert_eq!(read_to_end(&mut reply.take_body()?).await?, pattern(500_000));
        Ok(())
    })
}

#[test]
fn a_reader_that_stalls_holds_up_the_writer() -> TestResult {
    const LENGTH: usize = 4 << 20;
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.queue_bind("x").await?;
        let (mut writer, body) = Body::writer();
        let (progress, written) = async_channel::unbounded();
        let producer = world.sim.go(async move {
            for piece in pattern(LENGTH).chunks(10_000) {
                writer.write_all(piece).await?;
                progress.try_send(piece.len()).ok();
            }
            writer.finish();
            io::Result::Ok(())
        });
        let sent = world.sim.go(node.own_service().send_body("x", body));
        let message = bound.next().await.expect("it is bound");
        world.sim.idle().await;
        let ahead = written.len() * 10_000;
        // The windows of both sides, and what the writer itself may hold.
        assert!(ahead <= (2 << 20) + (32 << 10), "{ahead} bytes were written for nobody");
        let mut body = message.take_body()?;
        assert_eq!(read_to_end(&mut body).await?.len(), LENGTH);
        producer.recv().await??;
        sent.recv().await??;
        Ok(())
    })
}

#[test]
fn a_writer_learns_that_its_body_was_dropped() -> TestResult {
    World::run(|world| async move {
        let (mut writer, body) = Body::writer();
        let written = world.sim.go(async move {
            let error = writer.write_all(&pattern(100_000)).await.expect_err("no room");
            (error.kind(), writer.send("more").await.expect_err("no room").kind())
        });
        world.sim.idle().await;
        assert!(written.is_empty(), "it waits while the body is there");
        drop(body);
        assert_eq!(written.recv().await?, (io::ErrorKind::BrokenPipe, io::ErrorKind::BrokenPipe));
        Ok(())
    })
}

#[test]
fn a_send_that_is_dropped_while_it_waits_has_sent_nothing() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let (mut writer, body) = Body::writer();
        writer.send("one").await?;
        assert!(future::poll_once(Box::pin(writer.send("two"))).await.is_none());
        world.sim.go(async move {
            writer.send("three").await.expect("it is sent");
            writer.finish();
        });
        let (read, _) = transfer(&world, &node, body).await?;
        assert_eq!(read, Ok("onethree".into()));
        Ok(())
    })
}
