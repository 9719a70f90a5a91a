//! The receiving half of a body.

mod assembly;

use std::time::{Duration, Instant};

use bytes::Bytes;

use self::assembly::Assembly;
use super::{
    Budget, Reason, ReasonCode,
    frame::{Frame, Receiver, StreamId},
};
use crate::transport::Target;

/// The limits of an [`Inbound`].
#[derive(Debug, Clone)]
pub struct InboundLimits {
    /// Bytes that may be sent before the first grant.
    pub initial: u64,
    /// Bytes that may be sent beyond what has been read.
    pub window: u64,
    /// After this long without a sign of life the sender is given up.
    pub idle: Duration,
    /// After this long an accept is said again.
    pub retry: Duration,
    /// The longest that a receipt waits for more to come.
    pub ack_delay: Duration,
}

/// The receiving half of a body.
///
/// # Run loop
/// - Feed it what arrives: [`handle_confirm`](Self::handle_confirm), [`handle_data`](Self::handle_data),
///   [`handle_end`](Self::handle_end), [`handle_reset`](Self::handle_reset), [`handle_ping`](Self::handle_ping).
/// - [`read`](Self::read) on behalf of the reader, [`stop`](Self::stop) when there is none any more.
/// - After any of these, publish to the sender's inbox what [`poll_transmit`](Self::poll_transmit)
///   yields until it yields nothing, and call [`handle_timeout`](Self::handle_timeout) at the time
///   that [`poll_timeout`](Self::poll_timeout) then says.
/// - When [`is_finished`](Self::is_finished), forget it, but keep [`last_word`](Self::last_word) for
///   one idle limit.
///
/// Every call is harmless in every state.
#[derive(Debug)]
pub struct Inbound {
    stream: StreamId,
    receiver: Receiver,
    target: Target,
    limits: InboundLimits,
    phase: Phase,
    /// The reader may read, or could once.
    opened: bool,
    body: Assembly,
    granted: u64,
    charge: u64,
    reading: bool,
    said: Said,
    /// Something has to be said: an accept, a receipt or a stop, as the phase demands.
    due: bool,
    ack_at: Option<Instant>,
    heard: Instant,
    spoke: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Accepted, but the sender has not confirmed.
    Offered,
    /// The reader may read.
    Open,
    /// The reader has all of it, and it is right.
    Done,
    /// The sender ended it, or is gone.
    Reset(Reason),
    /// The reader ended it, or the body is not what the sender said.
    Stopped(Reason),
}

/// What the sender was last told.
#[derive(Debug, Default)]
struct Said {
    have: u64,
    credit: u64,
}

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
    /// Takes an offer: it accepts, and waits for the sender's confirmation.
    ///
    /// Returns nothing where the budget has no room for its first bytes.
    #[must_use]
    pub fn offered(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        target: Target,
        length: Option<u64>,
        limits: InboundLimits,
        budget: &mut Budget,
    ) -> Option<Self> {
        let inbound = Self::new(now, stream, receiver, target, length, limits);
        (inbound.granted <= budget.free()).then(|| inbound.charged(budget))
    }

    /// Receives the reply to a request that granted `initial` bytes. It is charged in any case.
    #[must_use]
    pub fn reply(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        length: Option<u64>,
        limits: InboundLimits,
        budget: &mut Budget,
    ) -> Self {
        let mut inbound = Self::new(now, stream, receiver, Target::Plain, length, limits);
        inbound.phase = Phase::Open;
        inbound.opened = true;
        inbound.charged(budget)
    }

    fn new(
        now: Instant,
        stream: StreamId,
        receiver: Receiver,
        target: Target,
        length: Option<u64>,
        limits: InboundLimits,
    ) -> Self {
        let granted = limits.initial.min(length.unwrap_or(u64::MAX));
        Self {
            stream,
            receiver,
            target,
            limits,
            phase: Phase::Offered,
            opened: false,
            body: Assembly::new(length),
            granted,
            charge: 0,
            reading: false,
            said: Said {
                have: 0,
                credit: granted,
            },
            due: true,
            ack_at: None,
            heard: now,
            spoke: now,
        }
    }

    fn charged(mut self, budget: &mut Budget) -> Self {
        budget.recharge(&mut self.charge, self.granted);
        self
    }

    /// The sender counts on this receiver. Returns whether that is news: the handler may start.
    pub fn handle_confirm(&mut self, now: Instant) -> bool {
        self.heard = now;
        let news = self.phase == Phase::Offered;
        if news {
            self.phase = Phase::Open;
            self.opened = true;
            self.due = self.body.have() > 0;
        }
        news
    }

    /// The sender offers it again: the accept was lost.
    pub fn handle_offer(&mut self, now: Instant) {
        self.heard = now;
        self.due |= self.is_live();
    }

    /// Bytes of the body. Repeats, gaps and any order are fine; what was not granted is ignored.
    pub fn handle_data(&mut self, now: Instant, offset: u64, bytes: Bytes, budget: &mut Budget) {
        self.heard = now;
        let end = offset.saturating_add(bytes.len() as u64);
        if !self.is_live() || end > self.granted {
            return;
        }
        if end <= self.body.have() && !bytes.is_empty() {
            // A repeat: the sender does not know what is here.
            self.due |= self.phase == Phase::Open;
            return;
        }
        if self.body.insert(offset, bytes).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        let news = self.body.have() - self.said.have;
        let quarter = (self.said.credit - self.said.have) / 4;
        if self.phase == Phase::Open && (news > quarter || self.body.is_whole()) {
            self.due = true;
        } else if self.ack_at.is_none() {
            self.ack_at = Some(now + self.limits.ack_delay);
        }
    }

    /// The length and the checksum of the whole body.
    pub fn handle_end(&mut self, now: Instant, length: u64, checksum: u32, budget: &mut Budget) {
        self.heard = now;
        if !self.is_live() {
            return;
        }
        if self.body.end(length, checksum).is_err() {
            return self.fail(ReasonCode::Corrupt, budget);
        }
        self.due |= self.phase == Phase::Open;
        self.verify(budget);
    }

    /// The sender ends it.
    pub fn handle_reset(&mut self, now: Instant, reason: Reason, budget: &mut Budget) {
        self.heard = now;
        if self.is_live() {
            self.finish(Phase::Reset(reason), budget);
            self.due = false;
        }
    }

    /// The sender is alive.
    pub fn handle_ping(&mut self, now: Instant) {
        self.heard = now;
        self.due |= self.phase == Phase::Open;
    }

    /// The next bytes for the reader. Each call also tells how much room there is again.
    pub fn read(&mut self, budget: &mut Budget) -> Read {
        match &self.phase {
            Phase::Reset(reason) | Phase::Stopped(reason) => return Read::Failed(reason.clone()),
            Phase::Done => return Read::End,
            Phase::Offered => return Read::Pending,
            Phase::Open => {}
        }
        self.reading = true;
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

    /// There is no reader any more. Harmless when all was read.
    pub fn stop(&mut self, reason: Reason, budget: &mut Budget) {
        if self.is_live() {
            self.finish(Phase::Stopped(reason), budget);
        }
    }

    /// The next packet for the sender's inbox.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        self.spoke = now;
        self.ack_at = None;
        let frame = match &self.phase {
            Phase::Reset(_) => return None,
            Phase::Offered => Frame::Accept {
                message: self.stream.message,
                receiver: self.receiver,
                target: self.target,
                credit: self.granted,
            },
            Phase::Open | Phase::Done => {
                self.said = Said {
                    have: self.body.have(),
                    credit: self.granted,
                };
                self.receipt()
            }
            Phase::Stopped(reason) => self.stop_frame(reason.clone()),
        };
        Some(frame.encode())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let speak = match self.phase {
            Phase::Offered => self.spoke + self.limits.retry,
            Phase::Open => self.spoke + self.limits.idle / 3,
            _ => return None,
        };
        let give_up = self.heard + self.limits.idle;
        let give_up = (!self.body.is_whole()).then_some(give_up);
        [Some(speak), self.ack_at, give_up]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant, budget: &mut Budget) {
        if !self.is_live() {
            return;
        }
        if now >= self.heard + self.limits.idle && !self.body.is_whole() {
            let reason = ReasonCode::Lost.into();
            return self.finish(Phase::Reset(reason), budget);
        }
        let pause = match self.phase {
            Phase::Offered => self.limits.retry,
            _ => self.limits.idle / 3,
        };
        if self.ack_at.is_some_and(|at| now >= at) {
            self.ack_at = None;
            self.due |= self.phase == Phase::Open;
        }
        self.due |= now >= self.spoke + pause;
    }

    /// Whether it can be forgotten: it has ended, and all is said.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.is_live() && !self.due
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// Whether the sender still has to say if the handler may start.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.phase == Phase::Offered
    }

    /// Whether the handler might start: the sender has confirmed.
    #[must_use]
    pub fn was_opened(&self) -> bool {
        self.opened
    }

    /// Whether [`read`](Self::read) has something other than `Pending`.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        match self.phase {
            Phase::Offered => false,
            Phase::Open => self.body.is_readable(),
            Phase::Done | Phase::Reset(_) | Phase::Stopped(_) => true,
        }
    }

    /// Why the body will never be whole, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&Reason> {
        match &self.phase {
            Phase::Reset(reason) | Phase::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// The bytes that it charges to the budget.
    #[must_use]
    pub fn charge(&self) -> u64 {
        self.charge
    }

    /// What to answer to a late packet of the sender, once the machine is forgotten.
    #[must_use]
    pub fn last_word(&self) -> Bytes {
        match &self.phase {
            Phase::Done => self.receipt().encode(),
            Phase::Reset(reason) | Phase::Stopped(reason) => {
                self.stop_frame(reason.clone()).encode()
            }
            Phase::Offered | Phase::Open => self.stop_frame(ReasonCode::Gone.into()).encode(),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Offered | Phase::Open)
    }

    fn receipt(&self) -> Frame {
        Frame::Credit {
            stream: self.stream,
            receiver: self.receiver,
            have: self.body.have(),
            credit: self.granted,
            done: self.phase == Phase::Done,
        }
    }

    fn stop_frame(&self, reason: Reason) -> Frame {
        Frame::Stop {
            stream: self.stream,
            receiver: self.receiver,
            target: self.target,
            reason,
        }
    }

    fn fail(&mut self, code: ReasonCode, budget: &mut Budget) {
        self.finish(Phase::Stopped(code.into()), budget);
    }

    fn finish(&mut self, phase: Phase, budget: &mut Budget) {
        self.phase = phase;
        self.due = true;
        self.ack_at = None;
        self.body.clear();
        budget.recharge(&mut self.charge, 0);
    }

    fn verify(&mut self, budget: &mut Budget) {
        match self.body.verdict() {
            None => {}
            Some(true) => self.finish(Phase::Done, budget),
            Some(false) => self.fail(ReasonCode::Corrupt, budget),
        }
    }

    /// Grants what the reader has made room for, as far as the budget allows. A body may always be
    /// sent `initial` bytes beyond what was read, so that no other body can starve it.
    fn grant(&mut self, budget: &mut Budget) {
        let read = self.body.read();
        let room = self
            .limits
            .window
            .min(self.limits.initial.max(self.charge + budget.free()));
        let goal = (read + room).min(self.body.known_length());
        // Small grants cost a packet each and let the sender do next to nothing.
        if goal > self.granted
            && (goal - self.granted >= room / 4 || goal == self.body.known_length())
        {
            self.granted = goal;
            self.due = true;
        }
        let floor = self.limits.initial.min(self.body.known_length() - read);
        let charge = if self.body.is_whole() {
            self.body.have() - read
        } else {
            floor.max(self.granted - read)
        };
        budget.recharge(&mut self.charge, charge);
    }
}
