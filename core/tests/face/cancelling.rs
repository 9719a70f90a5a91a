use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use conduit::{
    Body, ErrorKind, Executed, Headers, InstanceId, Message, MessageId, NameError, Source,
    proto::{
        ReasonCode,
        frame::{Frame, Head, Request},
    },
    transport::{Address, Packet, Targets, Transport},
};
use conduit_json::Json;
use futures_lite::{StreamExt as _, stream};

use crate::support::world::{Node, TestResult, World, endless, millis, secs};

/// Counts who began, and who was dropped.
#[derive(Clone, Default)]
struct Count {
    began: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Count {
    /// A handler that never ends.
    async fn stuck(self, message: Message<Json>) {
        self.began.fetch_add(1, Ordering::SeqCst);
        let _message = message;
        let _end = OnDrop(self.ended);
        std::future::pending::<()>().await;
    }

    fn now(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (read(&self.began), read(&self.ended))
    }
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_deadline_fires_on_time_and_ends_the_handler() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("a")?, world.node("b")?);
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("x").await?.to(move |message| stuck.clone().stuck(message));
        for streamed in [false, true] {
            let before = world.elapsed();
            let body = if streamed { endless(b"first") } else { "whole".into() };
            let asking = asker.service("b").request_body("x", body).timeout(millis(1_234));
            let error = asking.await.map(drop).expect_err("it is stuck");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::Maybe));
            assert_eq!(world.elapsed() - before, millis(1_234));
            world.sim.idle().await;
        }
        assert_eq!(count.now(), (2, 2));
        assert_eq!((asker.stats().pending_requests, node.stats().open_requests), (0, 0));
        assert_eq!((asker.stats().outgoing_bodies, node.stats().incoming_bodies), (0, 0));
        Ok(())
    })
}

#[test]
fn a_dropped_request_ends_the_handler() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("a")?, world.node("b")?);
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("x").await?.to(move |message| stuck.clone().stuck(message));
        let mut asking = asker.service("b").request("x", &1).no_timeout();
        for _ in 0..3 {
            assert!(futures_lite::future::poll_once(&mut asking).await.is_none());
            world.sim.idle().await;
        }
        assert_eq!(count.now(), (1, 0));
        drop(asking);
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1));
        assert_eq!(world.elapsed(), secs(0));
        Ok(())
    })
}

#[test]
fn a_request_that_was_cancelled_while_it_waited_is_not_handled() -> TestResult {
    World::run(|world| async move {
        let asker = world.node("a")?;
        let node = world.builder("b").max_request_wait(secs(60)).build()?;
        let count = Count::default();
        let stuck = count.clone();
        let binding = node.queue_bind("x").await?;
        let worker = binding.to(move |message| stuck.clone().stuck(message));
        let ask = |time| {
            let asking = asker.service("b").request("x", &1).timeout(time);
            world.sim.go(asking)
        };
        let first = ask(secs(10));
        world.sim.idle().await;
        let second = ask(secs(1));
        assert_eq!(
            second.recv().await?.map(drop).expect_err("it waits").kind(),
            ErrorKind::Deadline
        );
        assert_eq!(worker.waiting(), 1);
        assert_eq!(first.recv().await?.map(drop).expect_err("stuck").kind(), ErrorKind::Deadline);
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1), "the second never began");
        assert_eq!((worker.waiting(), node.stats().open_requests), (0, 0));
        Ok(())
    })
}

#[test]
fn requests_made_for_another_have_no_more_time_than_it_has() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("inner").await?.to(move |message| stuck.clone().stuck(message));
        node.queue_bind("outer").await?.to(|message| async move {
            assert_eq!(message.time_left(), Some(secs(2)));
            message.service("a").request("inner", &()).no_timeout().await.map(drop)
        });
        let error = node.own_service().request("outer", &()).timeout(secs(2)).await;
        assert_eq!(error.map(drop).expect_err("it is stuck").kind(), ErrorKind::Deadline);
        assert_eq!(world.elapsed(), secs(2));
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1));
        Ok(())
    })
}

/// Time travels in whole milliseconds. Whoever answers once took less of it than the asker had, and
/// what it failed with for lack of time came before the deadline.
#[test]
fn a_deadline_over_some_hops_is_the_askers_own() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("third").await?.to(move |message| stuck.clone().stuck(message));
        for (subject, next) in [("first", "second"), ("second", "third")] {
            node.queue_bind(subject).await?.to(move |message| async move {
                message.service("a").request(next, &()).no_timeout().await.map(drop)
            });
        }
        let timeout = Duration::from_micros(2_000_600);
        let error = node.own_service().request("first", &()).timeout(timeout).await;
        let error = error.map(drop).expect_err("it is stuck");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::Maybe));
        assert_eq!(world.elapsed(), timeout);
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1));
        Ok(())
    })
}

/// What a handler fails with when its time is over is that.
#[test]
fn a_handler_that_fails_at_its_deadline_says_so() -> TestResult {
    World::run(|world| async move {
        let node = world.node("b")?;
        let clock = world.sim.clone();
        node.queue_bind("x").await?.to(move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(millis(5)).await;
                Err("there was no time")
            }
        });
        let (raw, asker) = (world.broker.clone(), InstanceId::from_bytes([6; 16]));
        let source = Source { service: "a".parse()?, instance: asker };
        let inbox = Address::Inbox { service: source.service.clone(), instance: asker };
        let mut inbox = raw.subscribe(&inbox).await?;
        let request = request_of(source, Some(millis(5)));
        raw.publish(&subject_of(&node, Targets::Both)?, request.encode(), None).await?;
        let Some(Packet::Data(packet)) = inbox.next().await else {
            return Err("no answer".into());
        };
        let Frame::Failure { reason, .. } = Frame::decode(&packet)? else {
            return Err("another answer".into());
        };
        assert_eq!(reason.code, ReasonCode::Deadline);
        Ok(())
    })
}

/// The producer of a request's body fails. Its handler does not read it, and is of no use.
#[test]
fn a_request_whose_body_fails_ends_the_handler() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("a")?, world.node("b")?);
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("x").await?.to(move |message| stuck.clone().stuck(message));
        let (fail, fails) = async_channel::bounded::<()>(1);
        let first = stream::once(Ok(Bytes::from_static(b"first")));
        let broken = stream::once_future(async move {
            fails.recv().await.ok();
            Err(std::io::Error::other("broken"))
        });
        let asking = asker.service("b").request_body("x", Body::stream(first.chain(broken)));
        let asked = world.sim.go(asking.no_timeout());
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 0));
        drop(fail);
        let error = asked.recv().await?.map(drop).expect_err("its body failed");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::BodyFailed, Executed::Maybe));
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1));
        assert_eq!(world.elapsed(), secs(0));
        Ok(())
    })
}

#[test]
fn a_cancellation_may_come_before_its_request() -> TestResult {
    World::run(|world| async move {
        let node = world.node("b")?;
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("x").await?.to(move |message| stuck.clone().stuck(message));
        let (message, asker) = (MESSAGE, InstanceId::from_bytes([6; 16]));
        let service = node.name().clone();
        let request = request_of(Source { service: "a".parse()?, instance: asker }, None);
        let raw = world.broker.clone();
        let cancel = Frame::Cancel { message }.encode();
        raw.publish(&Address::Control { service }, cancel, None).await?;
        world.sim.idle().await;
        raw.publish(&subject_of(&node, Targets::Both)?, request.encode(), None).await?;
        world.sim.idle().await;
        assert_eq!(count.now(), (0, 0), "it never began");
        assert_eq!(node.stats().open_requests, 0);
        Ok(())
    })
}

const MESSAGE: MessageId = MessageId::from_bytes([5; 16]);

/// A request by hand.
fn request_of(source: Source, time_left: Option<Duration>) -> Frame {
    let head = Head {
        source,
        content_type: None,
        headers: Headers::new(),
        sequence: None,
        request: Some(Request { message: MESSAGE, time_left, credit: 0 }),
    };
    Frame::Message { head: Arc::new(head), body: Bytes::new() }
}

/// Where it goes.
fn subject_of(node: &Node, targets: Targets) -> Result<Address, NameError> {
    Ok(Address::Subject { service: node.name().clone(), subject: "x".parse()?, targets })
}
