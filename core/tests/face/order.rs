//! Order is promised for each sender: what one of them does not finish holds up nothing of others.

use std::{future::IntoFuture as _, time::Duration};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, Message, MessageId,
    proto::frame::{Frame, Head, Nonce, Source, StreamId},
    transport::{Address, Target, Targets, Transport},
};
use conduit_json::Json;

use crate::support::world::{Node, TestResult, World, millis, secs};

/// A sender by hand, which says what it wants.
struct Odd<'a> {
    world: &'a World,
    source: Source,
}

const BODY: MessageId = MessageId::from_bytes([9; 16]);

impl<'a> Odd<'a> {
    fn new(world: &'a World, number: u8) -> Result<Self, conduit::Error> {
        let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
        Ok(Self { world, source: Source { service: "odd".parse()?, instance } })
    }

    fn head(&self) -> Box<Head> {
        let (source, headers) = (self.source.clone(), Headers::new());
        Box::new(Head { source, content_type: None, headers, sequence: None, request: None })
    }

    async fn publish(&self, to: Address, frame: Frame) -> TestResult {
        self.world.broker.publish(&to, frame.encode(), None).await?;
        Ok(())
    }

    async fn say(&self, target: Target, frame: Frame) -> TestResult {
        let (service, subject) = ("a".parse()?, "x".parse()?);
        let targets = Targets::from(target);
        self.publish(Address::Subject { service, subject, targets }, frame).await
    }

    /// Offers a body, and never confirms it.
    async fn offer(&self, target: Target, message: MessageId) -> TestResult {
        let offer = Frame::Offer { head: self.head(), message, target, length: Some(5) };
        self.say(target, offer).await
    }

    async fn send(&self, target: Target, text: &'static str) -> TestResult {
        let body = Bytes::from_static(text.as_bytes());
        self.say(target, Frame::Message { head: self.head(), body }).await
    }

    async fn to_inbox(&self, node: &Node, frame: Frame) -> TestResult {
        let address = Address::Inbox { service: "a".parse()?, instance: node.instance() };
        self.publish(address, frame).await
    }
}

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
            let nonce = Nonce::from_bytes([7; Nonce::LEN]);
            silent.to_inbox(&node, Frame::Confirm { message: BODY, port: 1, nonce }).await?;
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
            let handler = binding.to(move |message| {
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
            assert_eq!(handler.waiting(), 100);
            world.sim.sleep(secs(6)).await;
            assert_eq!(handler.waiting(), 0, "they are given up");
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
        let odd = Odd { world: &world, source };
        odd.offer(Target::Group, BODY).await?;
        world.sim.idle().await;
        assert_eq!(unread.waiting(), 1);
        let working = world.node("a")?;
        let work = working.queue_bind("x").await?;
        let _handler = work.to(|message| async move { message.reply(&1).await });
        let service = asker.service("a");
        let mut asked = Vec::new();
        for number in 0..50 {
            let request = service.request("x", &number).timeout(secs(4)).into_future();
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
