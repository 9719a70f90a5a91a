use std::{
    future::IntoFuture as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use conduit::{
    ErrorKind, Executed, Headers, InstanceId, Message, MessageId, Source,
    proto::frame::{Frame, Head, Request},
    transport::{Address, Targets, Transport},
};
use conduit_json::Json;

use crate::support::world::{TestResult, World, endless, millis, secs};

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
        let mut asking = asker.service("b").request("x", &1).no_timeout().into_future();
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
        let handler = node.queue_bind("x").await?;
        let handler = handler.to(move |message| stuck.clone().stuck(message));
        let ask = |time| {
            let asking = asker.service("b").request("x", &1).timeout(time);
            world.sim.go(asking.into_future())
        };
        let first = ask(secs(10));
        world.sim.idle().await;
        let second = ask(secs(1));
        assert_eq!(
            second.recv().await?.map(drop).expect_err("it waits").kind(),
            ErrorKind::Deadline
        );
        assert_eq!(handler.waiting(), 1);
        assert_eq!(first.recv().await?.map(drop).expect_err("stuck").kind(), ErrorKind::Deadline);
        world.sim.idle().await;
        assert_eq!(count.now(), (1, 1), "the second never began");
        assert_eq!((handler.waiting(), node.stats().open_requests), (0, 0));
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

#[test]
fn a_cancellation_may_come_before_its_request() -> TestResult {
    World::run(|world| async move {
        let node = world.node("b")?;
        let count = Count::default();
        let stuck = count.clone();
        node.queue_bind("x").await?.to(move |message| stuck.clone().stuck(message));
        let (message, asker) = (MessageId::from_bytes([5; 16]), InstanceId::from_bytes([6; 16]));
        let service = node.name().clone();
        let subject = Address::Subject {
            service: service.clone(),
            subject: "x".parse()?,
            targets: Targets::Both,
        };
        let head = Head {
            source: Source { service: "a".parse()?, instance: asker },
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: Some(Request { message, time_left: None, credit: 0 }),
        };
        let request = Frame::Message { head, body: Bytes::new() };
        let raw = world.broker.clone();
        let cancel = Frame::Cancel { message }.encode();
        raw.publish(&Address::Control { service }, cancel, None).await?;
        world.sim.idle().await;
        raw.publish(&subject, request.encode(), None).await?;
        world.sim.idle().await;
        assert_eq!(count.now(), (0, 0), "it never began");
        assert_eq!(node.stats().open_requests, 0);
        Ok(())
    })
}
