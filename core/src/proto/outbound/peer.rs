//! The sender's state of one receiver.

use std::time::Instant;

use super::{OutboundLimits, resumption::Resumption, unproven::Cost};
use crate::{
    address::Target,
    proto::{
        Reason, ReasonCode,
        clock::{SIGNS_OF_LIFE, later},
        frame::Nonce,
        paths::{Flight, News, RoundTrip},
        silence::Silence,
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
    /// It was sent every byte before this offset, as far as is known.
    pub(super) sent: u64,
    /// It was heard from, so it knows of the body.
    pub(super) introduced: bool,
    pub(super) say_confirm: bool,
    /// The nonce of its confirmation, which its receipts have to repeat. The reader of a reply has none.
    pub(super) nonce: Option<Nonce>,
    /// How many confirmations were or are being handed over: with one, its handler may run.
    pub(super) confirms: u32,
    /// What was spent on it before it repeated its nonce.
    pub(super) unproven: Option<Cost>,
    /// The reason of a reset that it has to be sent.
    pub(super) say_reset: Option<Reason>,
    pub(super) end_sent: bool,
    /// It is being sent bytes again. If it already has the whole body, it has forgotten the stream, and
    /// answers only signs of life, so it has to be sent one.
    pub(super) say_ping: bool,
    pub(super) silence: Silence,
    /// What it has on the way, as its path knows it.
    pub(super) in_flight: Flight,
    /// Its last chunk went to all plain receivers at once.
    pub(super) is_fanned: bool,
    /// It was sent a ping behind everything before this offset, since there was no room for more.
    pub(super) pinged: u64,
    /// A chunk whose round trip is measured: where it ends, when it was sent, and whether
    /// little was on the way then.
    pub(super) timed: Option<(u64, Instant, bool)>,
    /// What its path does not know yet.
    pub(super) news: News,
    /// Until when it is not sent anything again: its answers are just late.
    pub(super) late_until: Option<Instant>,
    /// How often it was asked what has arrived, instead of sending it again.
    pub(super) questions: u32,
    /// Sending was resumed at what it had acknowledged, and it has not caught up since.
    pub(super) resumption: Option<Resumption>,
    /// How often sending was resumed with success.
    recoveries: u32,
    /// Since when it has owed progress.
    pub(super) waiting: Option<Instant>,
    pub(super) retries: u32,
    /// An offset that it has to reach within the lag limit, and since when.
    mark: Option<(u64, Instant)>,
    /// It was given up, and did not end its part itself.
    given_up: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PeerState {
    /// It receives the body.
    Active,
    /// It has read and verified the whole body.
    Done,
    /// It does not have the whole body, and will not.
    Failed(Reason),
    /// It does not receive the body, which is not a failure: another member was faster, or takes
    /// the message that it gave back.
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
            silence: Silence::new(now),
            in_flight: Flight::default(),
            is_fanned: false,
            pinged: 0,
            timed: None,
            news: News::default(),
            late_until: None,
            questions: 0,
            resumption: None,
            recoveries: 0,
            waiting: None,
            retries: 0,
            mark: None,
            given_up: false,
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.confirms > 0
    }

    /// Sets the credit that it granted with its acceptance or its request.
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

    /// Notes that it gave the accepted message back: another member of the group may take it.
    pub(super) fn decline(&mut self) {
        self.state = PeerState::Declined;
        self.say_confirm = false;
        self.confirms = 0;
    }

    /// Notes an acknowledgement. An outdated one has no effect.
    pub(super) fn hear(&mut self, now: Instant, have: u64, credit: u64) {
        let asked = self.silence.hear(now);
        self.news.is_any = true;
        // With bytes on the way, it may have answered what was sent before.
        self.news.answered = self.news.answered.max(asked.filter(|_| !self.owes_receipt()));
        self.credit = self.credit.max(credit);
        let first = !std::mem::replace(&mut self.introduced, true);
        if have > self.acked {
            self.catch_up(have);
        }
        if let Some((_, sent, is_light)) = self.timed.take_if(|(end, ..)| *end <= have) {
            let time = now.saturating_duration_since(sent);
            self.news.round_trip = Some(RoundTrip { time, is_light });
        }
        if first || have > self.acked {
            self.news.bytes += have.saturating_sub(self.acked);
            self.late_until = None;
            self.questions = 0;
            self.acked = self.acked.max(have);
            self.sent = self.sent.max(have);
            self.retries = 0;
            // The end is acknowledged only by the last receipt.
            let owes = self.end_sent || self.owes_receipt();
            self.waiting = owes.then_some(now);
        }
        if self.mark.is_some_and(|(offset, _)| self.lacks() >= offset) {
            self.mark = None;
        }
    }

    fn catch_up(&mut self, have: u64) {
        if self.resumption.as_mut().is_some_and(|resumption| resumption.is_over(have)) {
            self.resumption = None;
            self.recoveries = self.recoveries.saturating_add(1);
        }
    }

    /// Returns the offset up to which the body may be sent. Until its handler has started, that is
    /// only the first credit, which another member of the group may have to be sent again.
    pub(super) fn credit(&self) -> u64 {
        if self.started { self.credit } else { self.credit.min(self.first_credit) }
    }

    /// Returns the offset from which bytes may have to be sent again, to it or to another member of
    /// the group.
    pub(super) fn lacks(&self) -> u64 {
        if self.target == Target::Group && !self.started { 0 } else { self.acked }
    }

    /// Returns whether another member of the group may take its message: no handler has started.
    pub(super) fn is_replaceable(&self) -> bool {
        self.is_active() && self.target == Target::Group && !self.started
    }

    pub(super) fn is_resuming(&self) -> bool {
        self.resumption.is_some()
    }

    /// Returns whether it has not acknowledged everything it was sent; its receipt is yet to come.
    pub(super) fn owes_receipt(&self) -> bool {
        self.sent > self.acked
    }

    /// Returns whether it may be sent more of the body, within its credit.
    pub(super) fn takes_data(&self) -> bool {
        self.is_active() && self.resumption.as_ref().is_none_or(Resumption::may_send)
    }

    /// Notes that it was sent a chunk that ends at an offset, and whether little is on the way.
    pub(super) fn advance(&mut self, now: Instant, end: u64, is_light: bool) {
        self.sent = end;
        self.expect(now);
        if self.resumption.is_none() && self.timed.is_none() {
            self.timed = Some((end, now, is_light));
        }
        if let Some(resumption) = &mut self.resumption {
            resumption.handle_sent();
        }
    }

    /// Notes that it was sent a packet that it has to acknowledge.
    pub(super) fn expect(&mut self, now: Instant) {
        self.silence.speak(now);
        self.waiting.get_or_insert(now);
    }

    /// Notes that it holds up the others at this offset.
    pub(super) fn mark(&mut self, now: Instant, offset: u64) {
        self.mark.get_or_insert((offset, now));
    }

    /// Returns whether it is served by the fan-out to all plain receivers. That requires that it
    /// has repeated its nonce. A receiver that repeatedly misses such packets, perhaps because its
    /// binding has left, is served alone from then on.
    pub(super) fn hears_fan_out(&self) -> bool {
        const MOST_RECOVERIES: u32 = 3;
        let is_there = self.is_active() && self.unproven.is_none();
        is_there && self.target == Target::Plain && self.recoveries < MOST_RECOVERIES
    }

    pub(super) fn give_up(&mut self, code: ReasonCode) {
        self.fail(code.into(), true);
        self.given_up = true;
    }

    /// Returns whether it is cut off from a body that its binding would still get by the fan-out. A
    /// receiver that has never repeated its nonce may not exist, and does not count.
    pub(super) fn is_cut_off(&self) -> bool {
        self.given_up && self.unproven.is_none() && self.target == Target::Plain
    }

    /// Notes that it holds up no other.
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
            Some(self.silence.ends_at(limits.idle)),
            Some(self.ping_at(limits)),
        ];
        times.into_iter().flatten().min()
    }

    /// Returns when to send a sign of life.
    pub(super) fn ping_at(&self, limits: &OutboundLimits) -> Instant {
        self.silence.speaks_at(limits.idle / SIGNS_OF_LIFE)
    }

    pub(super) fn lagged_at(&self, limits: &OutboundLimits) -> Option<Instant> {
        self.mark.map(|(_, since)| later(since, limits.lag))
    }
}
