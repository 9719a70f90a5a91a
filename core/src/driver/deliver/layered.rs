//! Shows messages to layers before they wait for anything.

use bytes::Bytes;

use super::PacketDelivery;
use crate::{
    accept::{Accepted, Arriving, Extensions, Refusal},
    proto::frame::Head,
    transport::Target,
};

impl PacketDelivery<'_> {
    /// Returns whether there are layers to show messages for a binding to.
    #[inline]
    pub(super) fn has_gate(&self, at: usize) -> bool {
        !self.shared.gate.is_empty() || self.mailbox(at).gate_len() > 0
    }

    /// Shows a message to the layers of a binding. `body` is the one of a message of one packet.
    pub(super) fn accept(
        &self,
        at: usize,
        head: &Head,
        body: Option<&[u8]>,
        length: Option<u64>,
    ) -> Result<Accepted, Refusal> {
        let arriving = Arriving {
            head,
            subject: &self.route.subject,
            deadline: self.deadline(head),
            body,
            length,
            ground: self.shared.ground(),
            extensions: Extensions::default(),
        };
        arriving.pass(&self.shared.gate, &self.mailbox(at).gate(), 0)
    }

    /// Shows a message of one packet to the layers of a binding, and if they are busy, to those of
    /// the other members of the group that this conduit has. Returns which one accepts it.
    #[inline(never)]
    pub(super) fn accept_message(
        &self,
        at: usize,
        head: &Head,
        body: &Bytes,
    ) -> Result<(usize, Accepted), Refusal> {
        let accept = |at| self.accept(at, head, Some(body), Some(body.len() as u64));
        let refusal = match accept(at) {
            Ok(accepted) => return Ok((at, accepted)),
            Err(refusal) if refusal.is_busy() && self.route.target == Target::Group => refusal,
            Err(refusal) => return Err(refusal),
        };
        let others = (0..self.members.all().len()).filter(|other| *other != at);
        let mut others = others.filter(|other| self.has_room(self.mailbox(*other), head));
        others.find_map(|other| Some((other, accept(other).ok()?))).ok_or(refusal)
    }

    /// Refuses a message of one packet that layers do not accept: tells an asker, and counts a
    /// message that no other binding gets.
    #[cold]
    pub(super) fn refuse_message(&self, at: usize, head: &Head, refusal: &Refusal) {
        if head.request.is_none() || self.route.target == Target::Plain {
            self.mailbox(at).count_refused(&self.route.subject, &head.source, refusal);
        }
        let reason = self.shared.config.told(refusal.reason().clone());
        self.refuse_request(&self.mailbox(at).record.tally, head, reason);
    }
}
