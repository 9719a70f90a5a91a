//! What peers say that are no conduits of ours.

use std::sync::Arc;

use bytes::Bytes;
use conduit::{
    ErrorKind, Executed, Headers, InstanceId, MessageId, Source,
    proto::{
        Detail, ReasonCode,
        frame::{Frame, Head, Receiver, StreamId},
    },
    transport::{Address, Packet, Target, Targets, Transport},
};
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::{StreamExt, future};

use crate::support::world::{Node, TestResult, World, millis, secs};

/// A member of a group that is written by hand.
struct Peer {
    broker: Memory,
    source: Source,
    requests: MemorySubscription,
    inbox: MemorySubscription,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Peer {
    async fn new(world: &World) -> Result<Self> {
        let broker = world.broker.clone();
        let instance = InstanceId::from_bytes([9; InstanceId::LEN]);
        let source = Source { service: "worker".parse()?, instance };
        let service = source.service.clone();
        let inbox = Address::Inbox { service: service.clone(), instance };
        let at = Address::Subject { service, subject: "job".parse()?, targets: Targets::Group };
        let (requests, inbox) = (broker.subscribe(&at).await?, broker.subscribe(&inbox).await?);
        Ok(Self { broker, source, requests, inbox })
    }

    /// The next request.
    async fn asked(&mut self) -> Result<MessageId> {
        loop {
            if let Some(Packet::Data(packet)) = self.requests.next().await
                && let Frame::Message { head, .. } = Frame::decode(&packet)?
            {
                return Ok(head.request.ok_or("it asks")?.message);
            }
        }
    }

    /// What somebody says to it.
    async fn told(&mut self) -> Result<Frame> {
        match self.inbox.next().await {
            Some(Packet::Data(packet)) => Ok(Frame::decode(&packet)?),
            other => Err(format!("{other:?}").into()),
        }
    }

    async fn say(&self, to: &Node, frame: &Frame) -> Result<()> {
        let to = Address::Inbox { service: to.name().clone(), instance: to.instance() };
        Ok(self.broker.publish(&to, frame.encode(), None).await?)
    }

    fn head(&self) -> Arc<Head> {
        Arc::new(Head {
            source: self.source.clone(),
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: None,
        })
    }

    fn failure(&self, message: MessageId, code: ReasonCode) -> Frame {
        let (instance, target) = (self.source.instance, Target::Group);
        let (reason, detail) = (code.into(), Detail::default());
        Frame::Failure { message, instance, target, started: false, reason, detail }
    }
}

#[test]
fn an_id_that_is_in_use_names_the_first_stream() -> TestResult {
    World::run(|world| async move {
        let mut peer = Peer::new(&world).await?;
        let asker = world.node("asker")?;
        let ask = || {
            let to = asker.service("worker");
            world.sim.go(async move { to.request("job", &()).await })
        };
        let (first, second) = (ask(), ask());
        let requests = [peer.asked().await?, peer.asked().await?];
        let message = MessageId::from_bytes([7; MessageId::LEN]);
        for request in requests {
            let (head, length) = (peer.head(), None);
            peer.say(&asker, &Frame::ReplyStream { request, message, head, length }).await?;
        }
        let reply = first.recv().await??;
        let body = world.sim.go(async move { reply.to_bytes().await });
        // Both are answered as one stream: its reader says how far it is.
        let (stream, offset) = (StreamId { message, reply: true }, 0);
        let reader = Receiver { instance: asker.instance(), port: 0 };
        let credit = peer.told().await?;
        assert!(
            matches!(credit, Frame::Credit { stream: s, receiver: r, .. } if (s, r) == (stream, reader)),
            "{credit:?}"
        );
        let data = Bytes::from_static(b"123456789");
        peer.say(&asker, &Frame::Data { stream, offset, body: data.clone() }).await?;
        peer.say(&asker, &Frame::End { stream, length: 9, checksum: 0xe306_9283 }).await?;
        assert_eq!(body.recv().await??, data);
        // The second request has no answer yet, and takes another one.
        assert!(second.is_empty());
        let other = Frame::Reply { message: requests[1], head: peer.head(), body: "own".into() };
        peer.say(&asker, &other).await?;
        assert_eq!(second.recv().await??.to_bytes().await?, "own");
        Ok(())
    })
}

#[test]
fn a_group_that_does_not_understand_is_unsupported() -> TestResult {
    World::run(|world| async move {
        let mut peer = Peer::new(&world).await?;
        let asker = world.node("asker")?;
        let to = asker.service("worker");
        let asked = world.sim.go(async move { to.request("job", &()).timeout(secs(2)).await });
        while asked.is_empty() {
            let request = future::or(async { peer.asked().await.map(Some) }, async {
                world.sim.sleep(millis(500)).await;
                Ok(None)
            });
            if let Some(request) = request.await? {
                peer.say(&asker, &peer.failure(request, ReasonCode::Unsupported)).await?;
            }
        }
        let error = asked.recv().await?.map(drop).expect_err("nobody understands it");
        // It went to plain bindings too, and nobody has said that there are none.
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Unsupported, Executed::Maybe));
        Ok(())
    })
}

#[test]
fn a_member_that_understands_takes_over() -> TestResult {
    World::run(|world| async move {
        let mut peer = Peer::new(&world).await?;
        let asker = world.node("asker")?;
        let to = asker.service("worker");
        let asked = world.sim.go(async move { to.request("job", &()).await });
        let request = peer.asked().await?;
        let newer = world.node("worker")?;
        newer.queue_bind("job").await?.serve(async |(): ()| Ok::<_, std::io::Error>("done"));
        peer.say(&asker, &peer.failure(request, ReasonCode::Unsupported)).await?;
        drop(peer);
        assert_eq!(asked.recv().await??.decode::<String>().await?, "done");
        Ok(())
    })
}
