//! Order is promised for each sender: what one of them does not finish holds up nothing of others.

use std::time::Duration;

use bytes::Bytes;
use conduit::{
    Message, MessageId, Source,
    proto::frame::{Frame, StreamId},
    transport::Target,
};
use conduit_json::Json;

use crate::{
    odd::Odd,
    support::world::{TestResult, World, millis, secs},
};

const BODY: MessageId = MessageId::from_bytes([9; 16]);

async fn text(message: Option<Message<Json>>) -> Result<String, conduit::Error> {
    message.expect("it is bound").text().await
}

#[test]
fn an_offer_that_is_not_confirmed_holds_up_its_sender_alone() -> TestResult {
    for target in [Target::Plain, Target::Group] {
        World::run(|world| async move {
            let node = world.node("a")?;
            let mut binding = match target {
                Target::Plain => node.bind("x").await?,
                Target::Group => node.queue_bind("x").await?,
            };
            let (silent, other) = (Odd::new(&world, 1)?, Odd::new(&world, 2)?);
            silent.offer(target, BODY).await?;
            silent.send(target, "behind it").await?;
            other.send(target, "one").await?;
            silent.send(target, "behind both").await?;
            other.send(target, "two").await?;
            assert_eq!(text(binding.next().await).await?, "one");
            assert_eq!(text(binding.next().await).await?, "two");
            assert_eq!(world.elapsed(), Duration::ZERO);
            assert_eq!(binding.waiting(), 3);
            // The ways to a subject and to an inbox are two.
            silent.confirm(&node, BODY).await?;
            let stream = StreamId { message: BODY, reply: false };
            let body = Bytes::from_static(b"first");
            let (length, checksum) = (5, crc32c::crc32c(&body));
            silent.to_inbox(&node, Frame::Data { stream, offset: 0, body }).await?;
            silent.to_inbox(&node, Frame::End { stream, length, checksum }).await?;
            for expected in ["first", "behind it", "behind both"] {
                assert_eq!(text(binding.next().await).await?, expected);
            }
            assert_eq!(world.elapsed(), Duration::ZERO);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn an_offer_that_is_taken_back_lets_its_sender_go_on() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut binding = node.queue_bind("x").await?;
        let odd = Odd::new(&world, 1)?;
        odd.offer(Target::Group, BODY).await?;
        odd.send(Target::Group, "behind it").await?;
        world.sim.idle().await;
        assert_eq!(binding.waiting(), 2);
        let stream = StreamId { message: BODY, reply: false };
        let reason = conduit::proto::ReasonCode::Cancelled.into();
        odd.to_inbox(&node, Frame::Reset { stream, port: None, reason }).await?;
        world.sim.idle().await;
        assert_eq!(binding.waiting(), 1, "its place is free before anything is read");
        assert_eq!(text(binding.next().await).await?, "behind it");
        assert_eq!(node.stats().incoming_bodies, 0);
        Ok(())
    })
}

#[test]
fn an_offer_is_given_up_after_the_answer_time_whatever_its_sender_says() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").send_timeout(secs(3)).build()?;
        let mut binding = node.queue_bind("x").await?;
        let odd = Odd::new(&world, 1)?;
        odd.offer(Target::Group, BODY).await?;
        odd.send(Target::Group, "one").await?;
        odd.send(Target::Group, "two").await?;
        let stream = StreamId { message: BODY, reply: false };
        let body = Bytes::from_static(b"first");
        for _ in 0..29 {
            world.sim.sleep(millis(100)).await;
            odd.to_inbox(&node, Frame::Ping { stream }).await?;
            odd.to_inbox(&node, Frame::Data { stream, offset: 0, body: body.clone() }).await?;
            // Also where it is said once more.
            odd.offer(Target::Group, BODY).await?;
        }
        world.sim.idle().await;
        assert_eq!(binding.waiting(), 3);
        assert_eq!(text(binding.next().await).await?, "one");
        assert_eq!(world.elapsed(), secs(3));
        assert_eq!(text(binding.next().await).await?, "two");
        let stats = node.stats();
        assert_eq!((stats.incoming_bodies, stats.incoming_bytes, stats.waiting_bytes), (0, 0, 0));
        Ok(())
    })
}

#[test]
fn a_silent_sender_holds_up_no_handler_of_many() -> TestResult {
    for handlers in [1, 64] {
        World::run(|world| async move {
            let node = world.node("a")?;
            let (done, handled) = async_channel::unbounded();
            let binding = node.queue_bind("x").await?.concurrency(handlers);
            let worker = binding.to(move |message| {
                let done = done.clone();
                async move {
                    done.try_send(message.text().await?).ok();
                    Ok::<_, conduit::Error>(())
                }
            });
            // Each of them could take a place in the queue, and none in front of it.
            for number in 0..100 {
                let odd = Odd::new(&world, number)?;
                odd.offer(Target::Group, MessageId::from_bytes([number; 16])).await?;
            }
            let other = world.node("b")?;
            for number in 0..500 {
                other.service("a").send("x", &number).await?;
            }
            for number in 0..500 {
                assert_eq!(handled.recv().await?, number.to_string());
            }
            assert_eq!(world.elapsed(), Duration::ZERO, "with {handlers} handlers");
            assert_eq!(worker.waiting(), 100);
            world.sim.sleep(secs(6)).await;
            assert_eq!(worker.waiting(), 0, "they are given up");
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn requests_go_back_to_the_group_whoever_reads_and_whatever_holds_them_up() -> TestResult {
    World::run(|world| async move {
        // A loop that has stopped reading, and in which an offer is never confirmed.
        let idle = world.node("a")?;
        let unread = idle.queue_bind("x").await?;
        let asker = world.node("b")?;
        let source = Source { service: "b".parse()?, instance: asker.instance() };
        let odd = Odd::of(&world, source);
        odd.offer(Target::Group, BODY).await?;
        world.sim.idle().await;
        assert_eq!(unread.waiting(), 1);
        let working = world.node("a")?;
        let work = working.queue_bind("x").await?;
        let _handler = work.to(|message| async move { message.reply(&1).await });
        let service = asker.service("a");
        let mut asked = Vec::new();
        for number in 0..50 {
            let request = service.request("x", &number).timeout(secs(4));
            asked.push(world.sim.go(request));
        }
        world.sim.idle().await;
        assert!(unread.waiting() > 1);
        for asked in asked {
            asked.recv().await??;
        }
        // Some came to the idle one several times.
        assert!(world.elapsed() < secs(2), "{:?}", world.elapsed());
        assert_eq!((unread.waiting(), unread.lost()), (1, 0));
        Ok(())
    })
}
