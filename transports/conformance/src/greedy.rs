//! A sender by hand that offers more than it sends.

use std::sync::Arc;

use conduit::{
    Conduit, Headers, InstanceId, MessageId, ServiceName, Source,
    proto::frame::{Frame, Head, Nonce, StreamId},
    transport::{Address, Target, Targets},
};

use crate::{Broker, Number, Violation, wire::Wire};

pub(crate) struct Greedy<'a, 'b, B: Broker> {
    wire: &'a Wire<'b, B>,
    to: &'a Conduit<Number>,
    source: Source,
}

impl<'a, 'b, B: Broker> Greedy<'a, 'b, B> {
    pub(crate) fn new(wire: &'a Wire<'b, B>, to: &'a Conduit<Number>, service: &str) -> Self {
        let service = ServiceName::try_from(service).expect("a service name");
        let instance = InstanceId::from_bytes([5; InstanceId::LEN]);
        Self { wire, to, source: Source { service, instance } }
    }

    /// Offers a body to the group of a subject.
    pub(crate) async fn offer(&self, subject: &str, number: u64) -> Result<(), Violation> {
        let (source, headers) = (self.source.clone(), Headers::new());
        let head =
            Arc::new(Head { source, content_type: None, headers, sequence: None, request: None });
        let (message, target) = (message(number), Target::Group);
        let offer = Frame::Offer { head, message, target, length: None };
        let address = Address::Subject {
            service: self.to.name().clone(),
            subject: subject.try_into().expect("a subject"),
            targets: Targets::Group,
        };
        self.wire.publish(&address, offer.encode()).await
    }

    pub(crate) async fn confirm(&self, port: u64, number: u64) -> Result<(), Violation> {
        let (message, nonce) = (message(number), Nonce::from_bytes([5; Nonce::LEN]));
        self.say(&Frame::Confirm { message, port, nonce }).await
    }

    pub(crate) async fn ping(&self, number: u64) -> Result<(), Violation> {
        let stream = StreamId { message: message(number), reply: false };
        self.say(&Frame::Ping { stream }).await
    }

    async fn say(&self, frame: &Frame) -> Result<(), Violation> {
        let (service, instance) = (self.to.name().clone(), self.to.instance());
        self.wire.publish(&Address::Inbox { service, instance }, frame.encode()).await
    }
}

fn message(number: u64) -> MessageId {
    let mut id = [5; MessageId::LEN];
    id[..8].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(id)
}
