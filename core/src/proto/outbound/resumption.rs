//! Sends again what was not acknowledged.

use std::time::Instant;

use super::{OutboundLimits, Peer};
use crate::{
    InstanceId,
    proto::{
        Paths, ReasonCode,
        clock::{SIGNS_OF_LIFE, later},
    },
};

/// Resends to a receiver that was silent, and may lack packets or just be slow. It gets one packet,
/// and with each sign of progress twice as many: resending all at once would flood the network.
#[derive(Debug)]
pub(super) struct Resumption {
    /// It was sent everything before this offset.
    until: u64,
    /// Packets for each sign of progress.
    burst: u32,
    /// Packets that may be sent before the next one.
    left: u32,
}

impl Resumption {
    /// Starts, perhaps again, to resend to a receiver that was sent everything before an offset.
    pub(super) fn anew(before: Option<Self>, sent: u64) -> Self {
        let until = before.map_or(sent, |before| before.until.max(sent));
        Self { until, burst: 1, left: 1 }
    }

    /// Returns whether the receiver has caught up by having everything before an offset. Otherwise
    /// this is a sign of progress.
    pub(super) fn is_over(&mut self, have: u64) -> bool {
        if have >= self.until {
            return true;
        }
        self.burst = self.burst.saturating_mul(2);
        self.left = self.burst;
        false
    }

    pub(super) fn may_send(&self) -> bool {
        self.left > 0
    }

    /// Notes that a packet was sent.
    pub(super) fn handle_sent(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

/// What is done about answers that are overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// None are, or they may be late.
    No,
    /// It is asked what has arrived.
    Asked,
    /// It is sent again what it has not acknowledged.
    Resumed,
}

impl Peer {
    pub(super) fn resend_at(&self, limits: &OutboundLimits) -> Option<Instant> {
        const MOST_DOUBLINGS: u32 = 3;
        // Each try takes two packets, there and back, so there are more of them than of signs of
        // life, which take one.
        const TRIES: u32 = 2 * SIGNS_OF_LIFE;
        let pause = limits
            .retry
            .saturating_mul(1 << self.retries.min(MOST_DOUBLINGS))
            .min(limits.idle / TRIES);
        Some(later(self.waiting?, pause)).max(self.late_until)
    }

    /// Returns until when its answers may just be late, if they are.
    fn late_until(
        &self,
        now: Instant,
        instance: InstanceId,
        paths: &Paths,
        limits: &OutboundLimits,
    ) -> Option<Instant> {
        let waiting = self.waiting?;
        let late_until = paths.late_until(instance, waiting, limits.retry)?;
        let until = late_until.min(later(waiting, limits.idle / 3));
        (until > now).then_some(until)
    }

    /// Gives it up, or resumes sending at what it has acknowledged, unless its answers are just
    /// late. Where nothing is known of its path, it is asked first, since it would take longer if
    /// everything were sent twice. A receiver that may not exist is not given more time.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        instance: InstanceId,
        paths: &Paths,
        limits: &OutboundLimits,
    ) -> Overdue {
        const MOST_QUESTIONS: u32 = 3;
        if !self.is_active() {
            return Overdue::No;
        }
        if now >= self.silence.ends_at(limits.idle) {
            let spared = || paths.spared_until(instance, self.silence.asked(), limits.idle);
            let until = self.unproven.is_none().then(spared).flatten().filter(|until| now < *until);
            let Some(until) = until else {
                self.give_up(ReasonCode::Lost);
                return Overdue::No;
            };
            // Something that was sent later may be answered before.
            self.silence.spare(until.min(later(now, limits.idle / SIGNS_OF_LIFE)));
        }
        if self.lagged_at(limits).is_some_and(|at| now >= at) {
            self.give_up(ReasonCode::Lagged);
        } else if self.resend_at(limits).is_some_and(|at| now >= at) {
            self.late_until = self.late_until(now, instance, paths, limits);
            if self.late_until.is_some() {
                return Overdue::No;
            }
            let is_measured = paths.is_measured(instance);
            if !is_measured && self.owes_receipt() && self.questions < MOST_QUESTIONS {
                self.questions += 1;
                // The end is answered as a ping is.
                self.say_ping = !std::mem::take(&mut self.end_sent);
                self.late_until = Some(later(now, limits.retry));
                return Overdue::Asked;
            }
            self.questions = 0;
            self.timed = None;
            if self.owes_receipt() {
                self.resumption = Some(Resumption::anew(self.resumption.take(), self.sent));
                self.say_ping = true;
            }
            self.sent = self.acked;
            self.end_sent = false;
            self.waiting = None;
            self.retries += 1;
            return Overdue::Resumed;
        }
        Overdue::No
    }
}
