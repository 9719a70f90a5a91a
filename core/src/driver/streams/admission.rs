//! Admits incoming bodies: accepted offers, and replies.

use std::sync::Arc;

use super::{InboundStream, Port};
use crate::{
    driver::{Mailbox, Shared, ground::lock},
    proto::{
        Claim, Inbound, Offered, ReasonCode, Refused,
        frame::{Source, StreamId},
    },
    transport::Target,
};

impl Shared {
    /// Accepts an offer for a binding. Its packet has `bytes` bytes.
    pub(in crate::driver) fn accept(
        self: &Arc<Self>,
        stream: StreamId,
        target: Target,
        length: Option<u64>,
        source: &Source,
        packet: usize,
        mailbox: &Arc<Mailbox>,
    ) -> Result<Arc<InboundStream>, ReasonCode> {
        let limits = self.config.inbound();
        let port = mailbox.port();
        let (free_places, free_packets) = mailbox.free();
        let claim = self.claim(&Offered {
            stream,
            source,
            port,
            first: limits.first(length),
            packet: packet as u64,
            free_places,
            free_packets,
        })?;
        let receiver = self.receiver(port);
        let now = self.now();
        let machine = Inbound::offered(now, stream, receiver, target, length, limits, claim);
        Ok(self.open(machine, (stream, port), source, Some(Arc::clone(mailbox))))
    }

    /// Charges an offer to the budget, making others give way if necessary.
    fn claim(&self, offered: &Offered<'_>) -> Result<Claim, ReasonCode> {
        let now = self.now();
        loop {
            let taken = lock(&self.streams.budget).offer(now, offered);
            let (stream, port) = match taken {
                Ok(claim) => return Ok(claim),
                Err(Refused::Full) => return Err(ReasonCode::Overloaded),
                Err(Refused::GivesWay(stream, port)) => (stream, port),
            };
            // An offer that is being accepted at this moment is not in the table yet.
            let other = self.inbound_at(stream, port).ok_or(ReasonCode::Overloaded)?;
            if let Some((sender, stop)) = other.give_way(self) {
                self.post_packet(sender, stop, None);
                // At once, or the offer that takes its place would be one too many.
                self.forget_inbound(&other);
            }
        }
    }

    /// Receives the body of a reply.
    pub(in crate::driver) fn receive_reply(
        self: &Arc<Self>,
        stream: StreamId,
        length: Option<u64>,
        source: &Source,
    ) -> Arc<InboundStream> {
        let limits = self.config.inbound();
        let first = limits.first(length);
        let now = self.now();
        let claim = lock(&self.streams.budget).reply(now, stream, source, first);
        let machine = Inbound::reply(now, stream, self.receiver(0), length, limits, claim);
        self.open(machine, (stream, 0), source, None)
    }

    /// Returns whether there is room for another streamed reply, if their number is unknown.
    pub(in crate::driver) fn has_room_for_reply(&self) -> bool {
        lock(&self.streams.budget).has_room_for_reply(self.config.first_window)
    }

    fn open(
        self: &Arc<Self>,
        machine: Inbound,
        key: (StreamId, Port),
        source: &Source,
        mailbox: Option<Arc<Mailbox>>,
    ) -> Arc<InboundStream> {
        let sender = self.destinations.get(&source.inbox());
        let stream = Arc::new(InboundStream::new(key, machine, sender, mailbox));
        lock(&self.streams.inbound).insert(key, Arc::clone(&stream));
        let driven = ForgetOnDrop { shared: Arc::clone(self), stream: Arc::clone(&stream) };
        self.tasks.spawn(async move {
            let ForgetOnDrop { shared, stream } = &driven;
            if let Err(error) = shared.drive(&**stream).await {
                stream.stop(shared, shared.undriven(&error, ReasonCode::Dropped));
            }
        });
        stream
    }

    /// Removes a stream from the tables, and remembers its last word.
    fn forget_inbound(&self, stream: &InboundStream) {
        let key = stream.key();
        let is_known = self.inbound_at(key.0, key.1).is_some_and(|known| {
            let known: *const InboundStream = Arc::as_ptr(&known);
            std::ptr::eq(known, stream)
        });
        if is_known {
            self.remember_last_word(key, stream.close(self));
            lock(&self.streams.inbound).remove(&key);
            self.ended.notify(usize::MAX);
        }
    }
}

/// Ends a stream, and removes it from the tables, when its task ends or is dropped by the runtime.
struct ForgetOnDrop {
    shared: Arc<Shared>,
    stream: Arc<InboundStream>,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        self.stream.stop(&self.shared, ReasonCode::Closed.into());
        self.shared.forget_inbound(&self.stream);
    }
}
