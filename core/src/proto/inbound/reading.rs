//! Reading, and the credit that it grants.

use bytes::Bytes;

use super::{Inbound, InboundPhase};
use crate::proto::{Budget, Reason, ReasonCode};

/// The result of [`Inbound::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The next bytes, at least one.
    Chunk(Bytes),
    /// No bytes yet.
    Pending,
    /// The whole body was read, and its length and checksum match.
    End,
    /// The body failed: no more bytes will come.
    Failed(Reason),
}

impl Inbound {
    /// Notes that the handler has the message, and tells the sender at once: until then the sender
    /// can offer the message to another member of the group.
    pub fn start(&mut self, budget: &mut Budget) {
        if self.phase == InboundPhase::Open && self.is_unstarted() {
            budget.start(&self.claim);
            self.started = true;
            self.due = true;
        }
    }

    /// Returns the next bytes for the reader, and grants credit for the freed room.
    pub fn read(&mut self, budget: &mut Budget) -> Read {
        match &self.phase {
            InboundPhase::Reset(reason) | InboundPhase::Stopped(reason) => {
                return Read::Failed(reason.clone());
            }
            InboundPhase::Done => return Read::End,
            InboundPhase::Offered => return Read::Pending,
            InboundPhase::Open => {}
        }
        self.start(budget);
        self.begun = true;
        let chunk = self.body.take();
        self.grant(budget);
        self.verify(budget);
        match (chunk, &self.phase) {
            (_, InboundPhase::Stopped(reason)) => Read::Failed(reason.clone()),
            (Some(chunk), _) => Read::Chunk(chunk),
            (None, InboundPhase::Done) => Read::End,
            (None, _) => Read::Pending,
        }
    }

    /// Notes that the reader has dropped the body, whether or not it has read everything.
    pub fn leave(&mut self, budget: &mut Budget) {
        if self.is_unstarted() {
            // Another member of the group may take the message.
            return self.stop(ReasonCode::Draining.into(), budget);
        }
        if self.phase == InboundPhase::Open {
            // An empty body counts as read.
            self.verify(budget);
        }
        self.stop(ReasonCode::Dropped.into(), budget);
    }

    /// Stops the body: there is no reader. Has no effect if everything was read.
    pub fn stop(&mut self, reason: Reason, budget: &mut Budget) {
        if self.is_live() {
            self.finish(InboundPhase::Stopped(reason), budget);
        }
    }

    pub(super) fn verify(&mut self, budget: &mut Budget) {
        match self.body.verdict() {
            None => {}
            Some(true) => self.finish(InboundPhase::Done, budget),
            Some(false) => self.fail(ReasonCode::Corrupt, budget),
        }
    }

    /// Grants credit for the room that the reader has made, within the budget. A body always gets
    /// `initial` bytes beyond what was read, so that others cannot starve it, and never more than
    /// an equal share of what its source may hold, so that earlier bodies do not take the whole
    /// budget. With several sources, it gets no more on the way than its ration, or what has arrived
    /// of late.
    fn grant(&mut self, budget: &mut Budget) {
        let affordable = budget.allowance(&self.claim);
        let room = self.limits.initial.max(affordable).min(self.limits.window);
        let length = self.body.known_length();
        let ahead = budget.ration().max(self.arrivals.of_late());
        let goal = self.body.read().saturating_add(room);
        let goal = goal.min(self.body.have().saturating_add(ahead)).min(length);
        // A small grant costs a packet and lets the sender send little.
        let worth_it = goal.saturating_sub(self.granted) >= room.min(ahead) / 4 || goal == length;
        if goal > self.granted && worth_it {
            self.granted = goal;
            self.due = true;
        }
        self.recharge(budget);
    }

    /// Charges the budget for granted and unread bytes.
    pub(super) fn recharge(&mut self, budget: &mut Budget) {
        let read = self.body.read();
        let charge = if self.body.is_whole() {
            self.body.have() - read
        } else {
            let length = self.body.known_length();
            let floor = self.limits.initial.min(length - read);
            floor.max(self.granted.min(length) - read)
        };
        if charge != self.charge {
            self.charge = charge;
            budget.charge(&self.claim, charge);
        }
    }
}
