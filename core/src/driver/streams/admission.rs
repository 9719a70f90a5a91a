//! Admits incoming bodies: accepted offers, and replies.

use std::sync::{Arc, MutexGuard, OnceLock};

use super::{
    InboundStream, Port, Readiness, Streams,
    drive::{drive, undriven},
};
use crate::{
    Source,
    lock::lock,
    proto::{Budget, Claim, Inbound, Offered, Place, ReasonCode, Refused, frame::StreamId},
    transport::Target,
};

/// A queue where the messages of offered bodies wait for the decisions of their senders.
pub(in crate::driver) trait OfferQueue: Send + Sync + 'static {
    /// Returns its port as a receiver of bodies.
    fn port(&self) -> Port;

    /// Returns how many more messages, and bytes, there is room for.
    fn free(&self) -> (u64, u64);

    /// Handles the decision on the message at a place. If it has no place yet, the queue asks for
    /// the decision when it adds it.
    fn decided(&self, place: &OnceLock<Place>, readiness: Readiness);
}

impl Streams {
    /// Accepts an offer for a queue. Its packet has `packet` bytes.
    pub(in crate::driver) fn accept(
        self: &Arc<Self>,
        stream: StreamId,
        target: Target,
        length: Option<u64>,
        source: &Source,
        packet: usize,
        queue: Arc<dyn OfferQueue>,
    ) -> Result<Arc<InboundStream>, ReasonCode> {
        let limits = self.ground.config.inbound(self.bears());
        let port = queue.port();
        let (free_places, free_packets) = queue.free();
        let claim = self.claim(&Offered {
            stream,
            source,
            port,
            first: limits.first(length),
            packet: packet as u64,
            free_places,
            free_packets,
        })?;
        let receiver = self.ground.receiver(port);
        let now = self.ground.now();
        let machine = Inbound::offered(now, stream, receiver, target, length, limits, claim);
        Ok(self.open_inbound(machine, (stream, port), source, Some(queue)))
    }

    /// Charges an offer to the budget, making others give way if necessary.
    fn claim(&self, offered: &Offered<'_>) -> Result<Claim, ReasonCode> {
        let now = self.ground.now();
        loop {
            let taken = self.budget().offer(now, offered);
            let (stream, port) = match taken {
                Ok(claim) => return Ok(claim),
                Err(Refused::Full) => return Err(ReasonCode::Overloaded),
                Err(Refused::GivesWay(stream, port)) => (stream, port),
            };
            // An offer that is being accepted at this moment is not in the table yet.
            let other = self.inbound_at(stream, port).ok_or(ReasonCode::Overloaded)?;
            if let Some((sender, stop)) = other.give_way() {
                self.ground.post_packet(sender, stop, None);
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
        credit: u64,
        source: &Source,
    ) -> Arc<InboundStream> {
        let limits = self.ground.config.inbound(self.bears());
        let first = limits.first(length);
        let now = self.ground.now();
        let claim = self.budget().reply(now, stream, source, first);
        let reader = self.ground.receiver(0);
        let machine = Inbound::reply(now, stream, reader, length, credit, limits, claim);
        self.open_inbound(machine, (stream, 0), source, None)
    }

    /// Returns whether there is room for another streamed reply, if their number is unknown.
    pub(in crate::driver) fn has_room_for_reply(&self) -> bool {
        self.budget().has_room_for_reply(self.ground.config.first(self.bears()))
    }

    /// Returns how many bytes of bodies the transport bears now, if not as many as is usual.
    fn bears(&self) -> Option<u64> {
        self.ground.transport.body_budget()
    }

    /// Returns the budget, as large as the transport bears now.
    fn budget(&self) -> MutexGuard<'_, Budget> {
        let limits = self.ground.config.incoming(self.bears());
        let mut budget = lock(&self.budget);
        budget.set_limits(limits);
        budget
    }

    fn open_inbound(
        self: &Arc<Self>,
        machine: Inbound,
        key: (StreamId, Port),
        source: &Source,
        queue: Option<Arc<dyn OfferQueue>>,
    ) -> Arc<InboundStream> {
        let sender = self.ground.destinations.get(&source.inbox());
        let (ground, budget) = (Arc::clone(&self.ground), Arc::clone(&self.budget));
        let stream = Arc::new(InboundStream::new(ground, budget, key, machine, sender, queue));
        lock(&self.inbound).insert(key, Arc::clone(&stream));
        let driven = ForgetInboundOnDrop { streams: Arc::clone(self), stream: Arc::clone(&stream) };
        self.ground.tasks.spawn(async move {
            let ForgetInboundOnDrop { streams, stream } = &driven;
            if let Err(error) = drive(&streams.ground, &**stream).await {
                stream.stop(undriven(&streams.ground, &error, ReasonCode::Dropped));
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
            self.remember_last_word(key, stream.close());
            lock(&self.inbound).remove(&key);
            self.ground.ended.notify(usize::MAX);
        }
    }
}

/// Ends a stream, and removes it from the tables, when its task ends or is dropped by the runtime.
struct ForgetInboundOnDrop {
    streams: Arc<Streams>,
    stream: Arc<InboundStream>,
}

impl Drop for ForgetInboundOnDrop {
    fn drop(&mut self) {
        self.stream.stop(ReasonCode::Closed.into());
        self.streams.forget_inbound(&self.stream);
    }
}
