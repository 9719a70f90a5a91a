//! A sender that does half of what it should: it speaks the protocol packet by packet.

use std::time::Duration;

use conduit::{
    Conduit, Headers, InstanceId, MessageId,
    proto::frame::{Frame, Head, Nonce, Source, StreamId},
    transport::{Address, Target, Targets, Transport},
};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;
use fastrand::Rng;

use crate::{plan::Subject, world::World};

pub(crate) struct Stranger {
    broker: Memory,
    source: Source,
    message: MessageId,
}

impl Stranger {
    pub(crate) fn new(broker: &Memory, number: u8) -> Self {
        let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
        let service = "stranger".parse().expect("a name");
        let source = Source { service, instance };
        let message = MessageId::from_bytes([number; MessageId::LEN]);
        Self { broker: broker.clone(), source, message }
    }

    /// Offers a body to all bindings of a subject, and confirms none. It may ping for a minute.
    pub(crate) async fn offer(&self, sim: &Sim, to: &Conduit<Json>, subject: &str, pings: bool) {
        for target in [Target::Plain, Target::Group] {
            self.offer_once(to, subject, target, self.message).await;
        }
        if !pings {
            return;
        }
        let inbox = Self::inbox_of(to);
        let stream = StreamId { message: self.message, reply: false };
        for _ in 0..60 {
            sim.sleep(Duration::from_secs(1)).await;
            self.publish(&inbox, &Frame::Ping { stream }).await;
        }
    }

    /// Offers many bodies to the first binding of an instance, a queue binding of this subject, and
    /// confirms each.
    pub(crate) async fn take(&self, sim: &Sim, to: &Conduit<Json>, subject: &str, count: u16) {
        for number in 0..count {
            let mut id = [0; MessageId::LEN];
            id[..2].copy_from_slice(&number.to_be_bytes());
            let (message, port) = (MessageId::from_bytes(id), 1);
            self.offer_once(to, subject, Target::Group, message).await;
            sim.sleep(Duration::from_millis(1)).await;
            let nonce = Nonce::from_bytes([1; Nonce::LEN]);
            let confirm = Frame::Confirm { message, port, nonce };
            self.publish(&Self::inbox_of(to), &confirm).await;
        }
    }

    async fn offer_once(
        &self,
        to: &Conduit<Json>,
        subject: &str,
        target: Target,
        message: MessageId,
    ) {
        let (source, headers) = (self.source.clone(), Headers::new());
        let head = Head { source, content_type: None, headers, sequence: None, request: None };
        let offer = Frame::Offer { head: Box::new(head), message, target, length: None };
        let (service, subject) = (to.name().clone(), subject.parse().expect("a subject"));
        let targets = Targets::from(target);
        self.publish(&Address::Subject { service, subject, targets }, &offer).await;
    }

    fn inbox_of(to: &Conduit<Json>) -> Address {
        Address::Inbox { service: to.name().clone(), instance: to.instance() }
    }

    async fn publish(&self, to: &Address, frame: &Frame) {
        // It does not mind whether that works.
        self.broker.publish(to, frame.encode(), None).await.ok();
    }
}

/// Offers something to an instance at some time, and confirms it at none.
pub(crate) fn stops_half_way(
    sim: Sim,
    world: &World,
    rng: &mut Rng,
) -> impl Future<Output = ()> + Send + use<> {
    let stranger = Stranger::new(&world.broker, rng.u8(..));
    let to = world.instances[rng.usize(..world.instances.len())].conduit.clone();
    let subject = [Subject::Note, Subject::Job, Subject::Both][rng.usize(..3)];
    let (pings, pause) = (rng.bool(), Duration::from_millis(rng.u64(..5_000)));
    async move {
        sim.sleep(pause).await;
        stranger.offer(&sim, &to, subject.name(), pings).await;
    }
}
