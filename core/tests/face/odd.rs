//! A peer that is no conduit of ours.

use std::sync::Arc;

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, Source,
    proto::frame::{Frame, Head, Nonce},
    transport::{Address, Target, Targets, Transport},
};
use conduit_memory::MemorySubscription;

use crate::support::world::{Node, TestResult, World};

/// A sender by hand, which says what it wants.
pub(crate) struct Odd<'a> {
    world: &'a World,
    source: Source,
}

impl<'a> Odd<'a> {
    pub(crate) fn new(world: &'a World, number: u8) -> Result<Self, conduit::Error> {
        let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
        Ok(Self::of(world, Source { service: "odd".parse()?, instance }))
    }

    pub(crate) fn of(world: &'a World, source: Source) -> Self {
        Self { world, source }
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.source.instance
    }

    /// What is said to it from now on.
    pub(crate) async fn listen(&self) -> TestResult<MemorySubscription> {
        let Source { service, instance } = self.source.clone();
        Ok(self.world.broker.subscribe(&Address::Inbox { service, instance }).await?)
    }

    fn head(&self) -> Arc<Head> {
        let (source, headers) = (self.source.clone(), Headers::new());
        Arc::new(Head { source, content_type: None, headers, sequence: None, request: None })
    }

    pub(crate) async fn publish(&self, to: Address, frame: Frame) -> TestResult {
        self.world.broker.publish(&to, frame.encode(), None).await?;
        Ok(())
    }

    pub(crate) async fn say(&self, target: Target, frame: Frame) -> TestResult {
        let (service, subject) = ("a".parse()?, "x".parse()?);
        let targets = Targets::from(target);
        self.publish(Address::Subject { service, subject, targets }, frame).await
    }

    /// Offers a body.
    pub(crate) async fn offer(&self, target: Target, message: MessageId) -> TestResult {
        let offer = Frame::Offer { head: self.head(), message, target, length: Some(5) };
        self.say(target, offer).await
    }

    /// Counts on the first binding for a body.
    pub(crate) async fn confirm(&self, node: &Node, message: MessageId) -> TestResult {
        let nonce = Nonce::from_bytes([7; Nonce::LEN]);
        self.to_inbox(node, Frame::Confirm { message, port: 1, nonce }).await
    }

    pub(crate) fn message(&self, text: &'static str) -> Frame {
        Frame::Message { head: self.head(), body: Bytes::from_static(text.as_bytes()) }
    }

    pub(crate) async fn send(&self, target: Target, text: &'static str) -> TestResult {
        self.say(target, self.message(text)).await
    }

    pub(crate) async fn to_inbox(&self, node: &Node, frame: Frame) -> TestResult {
        let address = Address::Inbox { service: "a".parse()?, instance: node.instance() };
        self.publish(address, frame).await
    }
}
