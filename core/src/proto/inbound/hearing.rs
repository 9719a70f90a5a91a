//! Handles the packets of the sender.

use std::time::Instant;

use bytes::Bytes;

use super::{Inbound, InboundPhase};
use crate::proto::{
    Budget, Reason, ReasonCode,
    clock::later,
    frame::{Frame, Nonce},
};

impl Inbound {
    /// The maximum number of chunks without a receipt, since a sender buffers a bounded number of
    /// them.
    const MAX_UNSAID: u32 = 256;

    /// Handles a frame of the sender of the body, with the methods below. It is for this stream,
    /// and for this binding or for all. Returns whether it is of a kind that a sender sends; others
    /// are ignored.
    pub fn handle_frame(&mut self, now: Instant, frame: Frame, budget: &mut Budget) -> bool {
        budget.hear(now, &self.claim);
        match frame {
            Frame::Confirm { nonce, .. } => drop(self.handle_confirm(now, nonce, budget)),
            Frame::Data { offset, body, .. } => self.handle_data(now, offset, body, budget),
            Frame::End { length, checksum, .. } => self.handle_end(now, length, checksum, budget),
            Frame::Ping { .. } => self.handle_ping(now),
            Frame::Reset { reason, .. } => self.handle_reset(now, reason, budget),
            _ => return false,
        }
        true
    }

    /// Handles the sender's confirmation. Returns whether it is the first: the handler may start.
    pub fn handle_confirm(&mut self, now: Instant, nonce: Nonce, budget: &mut Budget) -> bool {
        self.silence.hear(now);
        self.repeat_last_word();
        if self.phase != InboundPhase::Offered {
            return false;
        }
        self.confirmed = true;
        budget.confirm(&self.claim);
        self.nonce = Some(nonce);
        self.phase = InboundPhase::Open;
        self.due = self.body.have() > 0;
        // The sender has to receive the nonce soon, even without other news.
        self.ack_at.get_or_insert(later(now, self.limits.ack_delay));
        true
    }

    /// Handles a repeated offer: the accept was lost.
    pub fn handle_offer(&mut self, now: Instant) {
        self.silence.hear(now);
        self.due |= self.is_live();
        self.repeat_last_word();
    }

    /// Handles a chunk. Duplicates, gaps and any order are fine; bytes beyond the credit are
    /// ignored.
    pub fn handle_data(&mut self, now: Instant, offset: u64, bytes: Bytes, budget: &mut Budget) {
        self.silence.hear(now);
        let end = offset.checked_add(bytes.len() as u64);
        let granted = end.filter(|&end| end <= self.granted);
        let Some(end) = granted.filter(|_| self.is_live() && !bytes.is_empty()) else {
            return;
        };
        let had = self.body.have();
        if end > had && self.body.insert(offset, bytes).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        self.arrivals.add(now, self.body.have() - had);
        let news = self.body.have() - self.said.have;
        let quarter = (self.said.credit - self.said.have) / 4;
        self.said.pieces_ago += 1;
        let complete = self.body.is_whole() && news > 0;
        let overdue = news > quarter || complete || self.said.pieces_ago >= Self::MAX_UNSAID;
        if self.phase == InboundPhase::Open && overdue {
            self.due = true;
        } else if self.ack_at.is_none() {
            // A duplicate is acknowledged too, with a delay: the sender does not know what has
            // arrived.
            self.ack_at = Some(later(now, self.limits.ack_delay));
        }
    }

    /// Handles the end, with the length and the checksum of the whole body.
    pub fn handle_end(&mut self, now: Instant, length: u64, checksum: u32, budget: &mut Budget) {
        self.silence.hear(now);
        self.repeat_last_word();
        if !self.is_live() {
            return;
        }
        if self.body.end(length, checksum).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        self.recharge(budget);
        if self.phase == InboundPhase::Open {
            self.due = true;
            if self.begun {
                self.verify(budget);
            }
        }
    }

    /// Handles the sender's abort.
    pub fn handle_reset(&mut self, now: Instant, reason: Reason, budget: &mut Budget) {
        self.silence.hear(now);
        if self.is_live() {
            self.finish(InboundPhase::Reset(reason), budget);
        }
    }

    /// Handles the sender's sign of life.
    pub fn handle_ping(&mut self, now: Instant) {
        self.silence.hear(now);
        self.due |= self.phase == InboundPhase::Open;
        self.repeat_last_word();
    }
}
