//! One receiver, as the sender sees it.

use std::time::Instant;

use super::{OutboundLimits, unproven::Cost};
use crate::{
    address::Target,
    proto::{
        Reason, ReasonCode,
        clock::{SIGNS_OF_LIFE, later},
        frame::Nonce,
    },
};

/// One receiver of a body.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) target: Target,
    pub(super) state: PeerState,
    /// It has every byte before this offset.
    pub(super) acked: u64,
    /// It may be sent every byte before this offset.
    credit: u64,
    /// What it granted when it took the offer.
    first_credit: u64,
    /// Its handler has started.
    pub(super) started: bool,
    /// It was sent every byte before this offset, as far as we know.
    pub(super) sent: u64,
    /// It was heard of, so that it knows of the body.
    pub(super) introduced: bool,
    pub(super) say_confirm: bool,
    /// What its confirmation says, and its receipts have to repeat. The reader of a reply is known.
    pub(super) nonce: Option<Nonce>,
    /// How many confirmations were handed over, or are being: with one, its handler may run.
    pub(super) confirms: u32,
    /// What was spent on it before it repeated its nonce.
    pub(super) unproven: Option<Cost>,
    /// It has to be told that it is out, and why.
    pub(super) say_reset: Option<Reason>,
    pub(super) end_sent: bool,
    /// It is sent again what it may have: one that has all of it has forgotten the stream, and
    /// answers signs of life alone.
    pub(super) say_ping: bool,
    pub(super) heard: Instant,
    pub(super) spoke: Instant,
    /// It was started again at what it had, and has not caught up since.
    resumption: Option<Resumption>,
    /// How often it was started again with success.
    recoveries: u32,
    /// Since when it owes us progress.
    waiting: Option<Instant>,
    retries: u32,
    /// An offset that it has to reach within the lag limit, and since when.
    mark: Option<(u64, Instant)>,
}

/// A receiver that was silent may lack what it was sent, or may just not have got to it. So it gets
/// one packet, and with every sign of progress twice as many: resending all at once would flood
/// whatever stands between.
#[derive(Debug)]
struct Resumption {
    /// It was sent everything before this offset.
    until: u64,
    /// Packets for each sign of progress.
    burst: u32,
    /// Packets that may be sent before the next one.
    left: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PeerState {
    /// It takes part.
    Active,
    /// It has read and verified everything.
    Done,
    /// It does not have everything, and will not.
    Failed(Reason),
    /// It does not take part, and its absence is no failure: another member was quicker, or gets
    /// what it gave back.
    Declined,
}

impl Peer {
    pub(super) fn new(now: Instant, target: Target, state: PeerState) -> Self {
        Self {
            target,
            state,
            acked: 0,
            credit: 0,
            first_credit: 0,
            started: false,
            sent: 0,
            introduced: true,
            say_confirm: false,
            nonce: None,
            confirms: 0,
            unproven: None,
            say_reset: None,
            end_sent: false,
            say_ping: false,
            heard: now,
            spoke: now,
            resumption: None,
            recoveries: 0,
            waiting: None,
            retries: 0,
            mark: None,
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.confirms > 0
    }

    /// What it grants with its offer, or with its request.
    pub(super) fn allow(&mut self, credit: u64) {
        self.credit = credit;
        self.first_credit = credit;
    }

    pub(super) fn is_active(&self) -> bool {
        self.state == PeerState::Active
    }

    pub(super) fn fail(&mut self, reason: Reason, tell: bool) {
        if self.is_active() {
            self.say_reset = tell.then(|| reason.clone());
            self.state = PeerState::Failed(reason);
            self.say_confirm = false;
        }
    }

    /// It gives back what it accepted: another member of the group may take it.
    pub(super) fn decline(&mut self) {
        self.state = PeerState::Declined;
        self.say_confirm = false;
        self.confirms = 0;
    }

    /// It says how far it has the body. Old news are harmless.
    pub(super) fn hear(&mut self, now: Instant, have: u64, credit: u64) {
        self.heard = now;
        self.credit = self.credit.max(credit);
        let first = !std::mem::replace(&mut self.introduced, true);
        if have > self.acked {
            self.catch_up(have);
        }
        if first || have > self.acked {
            self.acked = self.acked.max(have);
            self.sent = self.sent.max(have);
            self.retries = 0;
            // An end is acknowledged only by the last word, whatever was received before.
            let owes = self.end_sent || self.owes_receipt();
            self.waiting = owes.then_some(now);
        }
        if self.mark.is_some_and(|(offset, _)| self.lacks() >= offset) {
            self.mark = None;
        }
    }

    fn catch_up(&mut self, have: u64) {
        let Some(resumption) = &mut self.resumption else {
            return;
        };
        if have < resumption.until {
            resumption.burst = resumption.burst.saturating_mul(2);
            resumption.left = resumption.burst;
        } else {
            self.resumption = None;
            self.recoveries = self.recoveries.saturating_add(1);
        }
    }

    /// Up to where it may be sent the body. Until its handler has started, that is what it may be
    /// sent all over again to another member of the group.
    pub(super) fn credit(&self) -> u64 {
        if self.started { self.credit } else { self.credit.min(self.first_credit) }
    }

    /// What begins here may have to be sent: to it, or to another member of the group instead.
    pub(super) fn lacks(&self) -> u64 {
        if self.target == Target::Group && !self.started { 0 } else { self.acked }
    }

    /// No handler has started, and another member of the group may get the message.
    pub(super) fn is_replaceable(&self) -> bool {
        self.is_active() && self.target == Target::Group && !self.started
    }

    pub(super) fn is_resuming(&self) -> bool {
        self.resumption.is_some()
    }

    /// Whether it lacks what it was sent. It then has a receipt to say yet, with more credit perhaps.
    pub(super) fn owes_receipt(&self) -> bool {
        self.sent > self.acked
    }

    /// Whether it may be sent more of the body, as far as its credit goes.
    pub(super) fn takes_data(&self) -> bool {
        let waits = self.resumption.as_ref().is_some_and(|it| it.left == 0);
        self.is_active() && !waits
    }

    /// It was sent a packet of the body that ends at an offset.
    pub(super) fn advance(&mut self, now: Instant, end: u64) {
        self.sent = end;
        self.expect(now);
        if let Some(resumption) = &mut self.resumption {
            resumption.left = resumption.left.saturating_sub(1);
        }
    }

    /// It was sent something that it has to acknowledge.
    pub(super) fn expect(&mut self, now: Instant) {
        self.spoke = now;
        self.waiting.get_or_insert(now);
    }

    /// It keeps the others waiting at this offset.
    pub(super) fn mark(&mut self, now: Instant, offset: u64) {
        self.mark.get_or_insert((offset, now));
    }

    /// Whether it takes part in the fan-out to all plain receivers, which only those do that are known
    /// to be there. One that misses what goes that
    /// way again and again, perhaps because its binding has left, is served alone for good.
    pub(super) fn hears_fan_out(&self) -> bool {
        const MOST_RECOVERIES: u32 = 3;
        let is_there = self.is_active() && self.unproven.is_none();
        is_there && self.target == Target::Plain && self.recoveries < MOST_RECOVERIES
    }

    /// It keeps nobody waiting.
    pub(super) fn unmark(&mut self) {
        self.mark = None;
    }

    pub(super) fn next_timeout(&self, limits: &OutboundLimits) -> Option<Instant> {
        if !self.is_active() {
            return None;
        }
        let times = [
            self.resend_at(limits),
            self.lagged_at(limits),
            Some(self.lost_at(limits)),
            Some(self.ping_at(limits)),
        ];
        times.into_iter().flatten().min()
    }

    /// When to say that we are alive.
    pub(super) fn ping_at(&self, limits: &OutboundLimits) -> Instant {
        later(self.spoke, limits.idle / SIGNS_OF_LIFE)
    }

    fn lost_at(&self, limits: &OutboundLimits) -> Instant {
        later(self.heard, limits.idle)
    }

    fn lagged_at(&self, limits: &OutboundLimits) -> Option<Instant> {
        self.mark.map(|(_, since)| later(since, limits.lag))
    }

    fn resend_at(&self, limits: &OutboundLimits) -> Option<Instant> {
        const MOST_DOUBLINGS: u32 = 3;
        // Each takes two packets, there and back: so more often than signs of life, of which one
        // that gets through is enough.
        const TRIES: u32 = 2 * SIGNS_OF_LIFE;
        let pause = limits
            .retry
            .saturating_mul(1 << self.retries.min(MOST_DOUBLINGS))
            .min(limits.idle / TRIES);
        Some(later(self.waiting?, pause))
    }

    /// Gives up on it or starts again where it stopped. Returns whether it was started again.
    pub(super) fn handle_timeout(&mut self, now: Instant, limits: &OutboundLimits) -> bool {
        if !self.is_active() {
            return false;
        }
        if now >= self.lost_at(limits) {
            self.fail(ReasonCode::Lost.into(), true);
        } else if self.lagged_at(limits).is_some_and(|at| now >= at) {
            self.fail(ReasonCode::Lagged.into(), true);
        } else if self.resend_at(limits).is_some_and(|at| now >= at) {
            if self.owes_receipt() {
                let until = self.resumption.take().map_or(0, |it| it.until);
                self.resumption =
                    Some(Resumption { until: until.max(self.sent), burst: 1, left: 1 });
                self.say_ping = true;
            }
            self.sent = self.acked;
            self.end_sent = false;
            self.waiting = None;
            self.retries += 1;
            return true;
        }
        false
    }
}
