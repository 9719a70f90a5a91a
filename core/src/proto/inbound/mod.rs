//! The receiving half of a body.

mod arrivals;
mod assembly;
mod hearing;
mod reading;
mod speaking;
mod status;

use std::time::{Duration, Instant};

pub use self::reading::Read;
use self::{arrivals::Arrivals, assembly::Assembly};
use super::{
    Budget, Claim, Reason, ReasonCode,
    clock::later,
    frame::{Nonce, Receiver, StreamId},
    silence::Silence,
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
/// - Feed it the frames that arrive: [`handle_frame`](Self::handle_frame), and
///   [`handle_offer`](Self::handle_offer) for a repeated offer.
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
    phase: InboundPhase,
    body: Assembly,
    granted: u64,
    arrivals: Arrivals,
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
    silence: Silence,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum InboundPhase {
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
        let first = limits.first(length);
        let granted = first.min(claim.ration());
        let confirm_by = later(now, limits.answer);
        Self {
            stream,
            receiver,
            target,
            limits,
            phase: InboundPhase::Offered,
            body: Assembly::new(length),
            granted,
            arrivals: Arrivals::new(now),
            claim,
            charge: first,
            confirmed: false,
            nonce: None,
            started: false,
            begun: false,
            said: Said { have: 0, credit: granted, pieces_ago: 0 },
            due: true,
            ack_at: None,
            confirm_by,
            silence: Silence::new(now),
        }
    }

    /// Receives the reply to a request that granted `credit` bytes.
    #[must_use]
    pub fn reply(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        length: Option<u64>,
        credit: u64,
        limits: InboundLimits,
        claim: Claim,
    ) -> Self {
        let mut inbound =
            Self::offered(now, stream, receiver, Target::Plain, length, limits, claim);
        inbound.granted = inbound.granted.min(credit);
        inbound.said.credit = inbound.granted;
        inbound.phase = InboundPhase::Open;
        inbound.confirmed = true;
        inbound.started = true;
        inbound
    }

    /// Releases everything it holds. It does nothing afterwards.
    pub fn close(&mut self, budget: &mut Budget) {
        if self.is_live() {
            self.finish(InboundPhase::Stopped(ReasonCode::Dropped.into()), budget);
        }
        budget.close(&self.claim);
    }

    fn is_live(&self) -> bool {
        matches!(self.phase, InboundPhase::Offered | InboundPhase::Open)
    }

    fn fail(&mut self, code: ReasonCode, budget: &mut Budget) {
        self.finish(InboundPhase::Stopped(code.into()), budget);
    }

    fn finish(&mut self, phase: InboundPhase, budget: &mut Budget) {
        self.due = !matches!(phase, InboundPhase::Reset(_));
        self.phase = phase;
        self.ack_at = None;
        self.body.clear();
        self.charge = 0;
        budget.end(&self.claim);
    }
}
