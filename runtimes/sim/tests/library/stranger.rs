//! A sender that does half of what it should: it speaks the protocol packet by packet.

use std::time::Duration;

use conduit::{
    Conduit, Headers, InstanceId, MessageId,
    proto::frame::{Frame, Head, Source, StreamId},
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
        let service = to.name().clone();
        for target in [Target::Plain, Target::Group] {
            let (source, headers) = (self.source.clone(), Headers::new());
            let head = Head { source, content_type: None, headers, sequence: None, request: None };
            let (head, message) = (Box::new(head), self.message);
            let offer = Frame::Offer { head, message, target, length: None };
            let (service, subject) = (service.clone(), subject.parse().expect("a subject"));
            let targets = Targets::from(target);
            self.publish(&Address::Subject { service, subject, targets }, &offer).await;
        }
        if !pings {
            return;
        }
        let inbox = Address::Inbox { service, instance: to.instance() };
        let stream = StreamId { message: self.message, reply: false };
        for _ in 0..60 {
            sim.sleep(Duration::from_secs(1)).await;
            self.publish(&inbox, &Frame::Ping { stream }).await;
        }
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
