//! A peer that does half of what it should: it speaks the protocol packet by packet.

use std::{sync::Arc, time::Duration};

use conduit::{
    Conduit, Headers, InstanceId, MessageId, Source,
    proto::frame::{Frame, Head, Nonce, Receiver, StreamId},
    transport::{Address, Packet, Target, Targets, Transport},
};
use conduit_json::Json;
use conduit_memory::{Memory, MemorySubscription};
use conduit_sim::Sim;
use futures_lite::StreamExt;

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

    /// Offers a body to all bindings of a subject, and for this time confirms whoever takes it. Nothing
    /// more comes.
    pub(crate) async fn confirm(
        &self,
        sim: &Sim,
        to: &Conduit<Json>,
        subject: &str,
        time: Duration,
    ) {
        let Source { service, instance } = self.source.clone();
        let inbox = self.broker.subscribe(&Address::Inbox { service, instance }).await;
        let mut inbox = inbox.expect("the broker is there");
        for target in [Target::Plain, Target::Group] {
            self.offer_once(to, subject, target, self.message).await;
        }
        let confirming = async {
            while let Some(frame) = next(&mut inbox).await {
                let Frame::Accept { message, receiver, .. } = frame else { continue };
                let nonce = Nonce::from_bytes([1; Nonce::LEN]);
                let confirm = Frame::Confirm { message, port: receiver.port, nonce };
                self.publish(&Self::inbox_of(to), &confirm).await;
            }
        };
        sim.within(time, confirming).await;
    }

    /// Is bound beside others for this time, and takes whatever is offered: it is never heard of again.
    pub(crate) async fn accept(
        &self,
        sim: &Sim,
        beside: &Conduit<Json>,
        subject: &str,
        target: Target,
        time: Duration,
    ) {
        let (service, subject) = (beside.name().clone(), subject.parse().expect("a subject"));
        let bound = Address::Subject { service, subject, targets: target.into() };
        let mut binding = self.broker.subscribe(&bound).await.expect("the broker is there");
        let receiver = Receiver { instance: self.source.instance, port: 1 };
        let accepting = async {
            while let Some(frame) = next(&mut binding).await {
                let Frame::Offer { head, message, target, .. } = frame else { continue };
                let Source { service, instance } = head.source.clone();
                let accept = Frame::Accept { message, receiver, target, credit: 1 };
                self.publish(&Address::Inbox { service, instance }, &accept).await;
            }
        };
        sim.within(time, accepting).await;
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
        let offer = Frame::Offer { head: Arc::new(head), message, target, length: None };
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

/// The next frame that it can read, until it hears nothing more.
async fn next(heard: &mut MemorySubscription) -> Option<Frame> {
    loop {
        if let Packet::Data(packet) = heard.next().await?
            && let Ok(frame) = Frame::decode(&packet)
        {
            return Some(frame);
        }
    }
}
