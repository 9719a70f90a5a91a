//! What the reader takes, and the room that it makes.

use bytes::Bytes;

use super::{Inbound, Phase};
use crate::proto::{Budget, Reason, ReasonCode};

/// What [`Inbound::read`] has for the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The next bytes, at least one.
    Chunk(Bytes),
    /// Nothing yet.
    Pending,
    /// The whole body was read, and its length and checksum are right.
    End,
    /// There will be nothing more, and the body is not whole.
    Failed(Reason),
}

impl Inbound {
    /// The handler has got the message, which its sender is told at once: until then the sender can
    /// give the message to another member of the group.
    pub fn start(&mut self, budget: &mut Budget) {
        if self.phase == Phase::Open && self.is_unstarted() {
            budget.start(&self.claim);
            self.started = true;
            self.due = true;
        }
    }

    /// The next bytes for the reader. Each call also tells how much room there is again.
    pub fn read(&mut self, budget: &mut Budget) -> Read {
        match &self.phase {
            Phase::Reset(reason) | Phase::Stopped(reason) => return Read::Failed(reason.clone()),
            Phase::Done => return Read::End,
            Phase::Offered => return Read::Pending,
            Phase::Open => {}
        }
        self.start(budget);
        self.begun = true;
        let chunk = self.body.take();
        self.grant(budget);
        self.verify(budget);
        match (chunk, &self.phase) {
            (_, Phase::Stopped(reason)) => Read::Failed(reason.clone()),
            (Some(chunk), _) => Read::Chunk(chunk),
            (None, Phase::Done) => Read::End,
            (None, _) => Read::Pending,
        }
    }

    /// The reader is done with it, whether or not it has read everything.
    pub fn leave(&mut self, budget: &mut Budget) {
        if self.is_unstarted() {
            // Another member of the group may have it.
            return self.stop(ReasonCode::Draining.into(), budget);
        }
        if self.phase == Phase::Open {
            // Of an empty body, nothing is left to be read.
            self.verify(budget);
        }
        self.stop(ReasonCode::Dropped.into(), budget);
    }

    /// There will be no reader. Harmless when all was read.
    pub fn stop(&mut self, reason: Reason, budget: &mut Budget) {
        if self.is_live() {
            self.finish(Phase::Stopped(reason), budget);
        }
    }

    pub(super) fn verify(&mut self, budget: &mut Budget) {
        match self.body.verdict() {
            None => {}
            Some(true) => self.finish(Phase::Done, budget),
            Some(false) => self.fail(ReasonCode::Corrupt, budget),
        }
    }

    /// Grants what the reader has made room for, as far as the budget allows. A body may always be
    /// sent `initial` bytes beyond what was read, so that no other body can starve it; and never
    /// more than an equal share of what its source may hold, so that those that came first do not keep
    /// the budget from the others.
    fn grant(&mut self, budget: &mut Budget) {
        let affordable = budget.allowance(&self.claim);
        let room = self.limits.initial.max(affordable).min(self.limits.window);
        let length = self.body.known_length();
        let goal = self.body.read().saturating_add(room).min(length);
        // Small grants cost a packet each and let the sender do next to nothing.
        let worth_it = goal.saturating_sub(self.granted) >= room / 4 || goal == length;
        if goal > self.granted && worth_it {
            self.granted = goal;
            self.due = true;
        }
        self.recharge(budget);
    }

    /// Charges what the sender may still send, and what waits for the reader.
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
