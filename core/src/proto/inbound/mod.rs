//! The receiving half of a body.

mod assembly;
mod reading;
mod speaking;
mod status;

use std::time::{Duration, Instant};

use bytes::Bytes;

use self::assembly::Assembly;
pub use self::reading::Read;
use super::{
    Budget, Claim, Reason, ReasonCode,
    clock::later,
    frame::{Nonce, Receiver, StreamId},
};
use crate::address::Target;

/// The limits of an [`Inbound`].
#[derive(Debug, Clone)]
pub struct InboundLimits {
    /// How many bytes may be sent before the first grant.
    pub initial: u64,
    /// How many bytes may be sent beyond what has been read.
    pub window: u64,
    /// How long an offer may stay unconfirmed before it is given up, even with signs of life.
    pub answer: Duration,
    /// How long the sender may be silent before it is given up as lost.
    pub idle: Duration,
    /// After how long an accept is repeated.
    pub retry: Duration,
    /// How long an acknowledgement is delayed at most, to cover more chunks.
    pub ack_delay: Duration,
}

/// The receiving half of a body.
///
/// # Run loop
/// - Feed it the frames that arrive: [`handle_confirm`](Self::handle_confirm),
///   [`handle_data`](Self::handle_data), [`handle_end`](Self::handle_end),
///   [`handle_reset`](Self::handle_reset), [`handle_ping`](Self::handle_ping).
/// - Call [`start`](Self::start) when the handler gets the message, [`read`](Self::read) for the
///   reader, and [`stop`](Self::stop) when there is no reader any more.
/// - After any of these, publish to the sender's inbox what [`poll_transmit`](Self::poll_transmit)
///   returns until it returns `None`, and call [`handle_timeout`](Self::handle_timeout) at the time
///   that [`poll_timeout`](Self::poll_timeout) returns.
/// - When [`is_finished`](Self::is_finished) and the reader has seen the end, drop it, but keep
///   [`last_word`](Self::last_word) for one idle limit: it answers an offer, a confirmation, an end
///   and a ping. To drop it earlier, [`stop`](Self::stop) it first.
/// - Finally, [`close`](Self::close) releases its claim.
///
/// Every call is harmless in every state.
#[derive(Debug)]
pub struct Inbound {
    stream: StreamId,
    receiver: Receiver,
    target: Target,
    limits: InboundLimits,
    phase: Phase,
    body: Assembly,
    granted: u64,
    claim: Claim,
    charge: u64,
    confirmed: bool,
    /// The nonce of the confirmation, which authenticates receipts. A reply has none.
    nonce: Option<Nonce>,
    /// The handler has the message. Always set for a reply.
    started: bool,
    /// The reader has asked for bytes. Even an empty body counts as read only then.
    begun: bool,
    said: Said,
    /// A packet is due: an accept, a receipt or a stop, depending on the phase.
    due: bool,
    ack_at: Option<Instant>,
    /// Until when an offer has to be confirmed.
    confirm_by: Instant,
    heard: Instant,
    spoke: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Accepted, but the sender has not confirmed.
    Offered,
    /// The reader may read.
    Open,
    /// The reader has the whole body, and it was verified.
    Done,
    /// The sender aborted it, or is lost.
    Reset(Reason),
    /// The reader stopped it, or the body is corrupt.
    Stopped(Reason),
}

/// The last receipt sent.
#[derive(Debug, Default)]
struct Said {
    have: u64,
    credit: u64,
    /// How many chunks have arrived since.
    pieces_ago: u32,
}

impl InboundLimits {
    /// Returns how many bytes of a body may be sent before the first grant.
    #[must_use]
    pub fn first(&self, length: Option<u64>) -> u64 {
        self.initial.min(length.unwrap_or(u64::MAX))
    }
}

impl Inbound {
    /// The maximum number of chunks without a receipt, since a sender buffers a bounded number of
    /// them.
    const MAX_UNSAID: u32 = 256;

    /// Accepts an offer, and waits for the sender's confirmation. The claim is for the
    /// [first bytes](InboundLimits::first).
    #[must_use]
    pub fn offered(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        target: Target,
        length: Option<u64>,
        limits: InboundLimits,
        claim: Claim,
    ) -> Self {
        let granted = limits.first(length);
        let confirm_by = later(now, limits.answer);
        Self {
            stream,
            receiver,
            target,
            limits,
            phase: Phase::Offered,
            body: Assembly::new(length),
            granted,
            claim,
            charge: granted,
            confirmed: false,
            nonce: None,
            started: false,
            begun: false,
            said: Said { have: 0, credit: granted, pieces_ago: 0 },
            due: true,
            ack_at: None,
            confirm_by,
            heard: now,
            spoke: now,
        }
    }

    /// Receives the reply to a request that granted `initial` bytes.
    #[must_use]
    pub fn reply(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        length: Option<u64>,
        limits: InboundLimits,
        claim: Claim,
    ) -> Self {
        let mut inbound =
            Self::offered(now, stream, receiver, Target::Plain, length, limits, claim);
        inbound.phase = Phase::Open;
        inbound.confirmed = true;
        inbound.started = true;
        inbound
    }

    /// Handles the sender's confirmation. Returns whether it is the first: the handler may start.
    pub fn handle_confirm(&mut self, now: Instant, nonce: Nonce, budget: &mut Budget) -> bool {
        self.heard = now;
        self.repeat_last_word();
        if self.phase != Phase::Offered {
            return false;
        }
        self.confirmed = true;
        budget.confirm(&self.claim);
        self.nonce = Some(nonce);
        self.phase = Phase::Open;
        self.due = self.body.have() > 0;
        // The sender has to receive the nonce soon, even without other news.
        self.ack_at.get_or_insert(later(now, self.limits.ack_delay));
        true
    }

    /// Handles a repeated offer: the accept was lost.
    pub fn handle_offer(&mut self, now: Instant) {
        self.heard = now;
        self.due |= self.is_live();
        self.repeat_last_word();
    }

    /// Handles a chunk. Duplicates, gaps and any order are fine; bytes beyond the credit are
    /// ignored.
    pub fn handle_data(&mut self, now: Instant, offset: u64, bytes: Bytes, budget: &mut Budget) {
        self.heard = now;
        let end = offset.checked_add(bytes.len() as u64);
        let granted = end.filter(|&end| end <= self.granted);
        let Some(end) = granted.filter(|_| self.is_live() && !bytes.is_empty()) else {
            return;
        };
        if end > self.body.have() && self.body.insert(offset, bytes).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        let news = self.body.have() - self.said.have;
        let quarter = (self.said.credit - self.said.have) / 4;
        self.said.pieces_ago += 1;
        let complete = self.body.is_whole() && news > 0;
        let overdue = news > quarter || complete || self.said.pieces_ago >= Self::MAX_UNSAID;
        if self.phase == Phase::Open && overdue {
            self.due = true;
        } else if self.ack_at.is_none() {
            // A duplicate is acknowledged too, with a delay: the sender does not know what has
            // arrived.
            self.ack_at = Some(later(now, self.limits.ack_delay));
        }
    }

    /// Handles the end, with the length and the checksum of the whole body.
    pub fn handle_end(&mut self, now: Instant, length: u64, checksum: u32, budget: &mut Budget) {
        self.heard = now;
        self.repeat_last_word();
        if !self.is_live() {
            return;
        }
        if self.body.end(length, checksum).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        self.recharge(budget);
        if self.phase == Phase::Open {
            self.due = true;
            if self.begun {
                self.verify(budget);
            }
        }
    }

    /// Handles the sender's abort.
    pub fn handle_reset(&mut self, now: Instant, reason: Reason, budget: &mut Budget) {
        self.heard = now;
        if self.is_live() {
            self.finish(Phase::Reset(reason), budget);
        }
    }

    /// Handles the sender's sign of life.
    pub fn handle_ping(&mut self, now: Instant) {
        self.heard = now;
        self.due |= self.phase == Phase::Open;
        self.repeat_last_word();
    }

    /// Releases everything it holds. It does nothing afterwards.
    pub fn close(&mut self, budget: &mut Budget) {
        if self.is_live() {
            self.finish(Phase::Stopped(ReasonCode::Dropped.into()), budget);
        }
        budget.close(&self.claim);
    }

    fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Offered | Phase::Open)
    }

    fn fail(&mut self, code: ReasonCode, budget: &mut Budget) {
        self.finish(Phase::Stopped(code.into()), budget);
    }

    fn finish(&mut self, phase: Phase, budget: &mut Budget) {
        self.due = !matches!(phase, Phase::Reset(_));
        self.phase = phase;
        self.ack_at = None;
        self.body.clear();
        self.charge = 0;
        budget.end(&self.claim);
    }
}
