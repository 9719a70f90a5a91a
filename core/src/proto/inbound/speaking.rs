//! The packets of the receiver, and its timers.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Inbound, InboundPhase, Said};
use crate::proto::{
    Budget, Reason, ReasonCode,
    clock::{SIGNS_OF_LIFE, later},
    frame::{Frame, Receipt},
};

impl Inbound {
    /// Returns the next packet for the sender's inbox.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        self.silence.speak(now);
        self.ack_at = None;
        let frame = match &self.phase {
            InboundPhase::Reset(_) => return None,
            InboundPhase::Offered => Frame::Accept {
                message: self.stream.message,
                receiver: self.receiver,
                target: self.target,
                credit: self.granted,
            },
            InboundPhase::Open | InboundPhase::Done => {
                self.said = Said { have: self.body.have(), credit: self.granted, pieces_ago: 0 };
                self.receipt()
            }
            InboundPhase::Stopped(reason) => self.stop_frame(reason.clone()),
        };
        Some(frame.encode())
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_live() {
            return None;
        }
        let speak = self.silence.speaks_at(self.pause());
        [Some(speak), self.ack_at, self.give_up_at()].into_iter().flatten().min()
    }

    /// Handles the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant, budget: &mut Budget) {
        if !self.is_live() {
            return;
        }
        if self.give_up_at().is_some_and(|at| now >= at) {
            match self.spared_until(budget).filter(|until| now < *until) {
                Some(until) => self.silence.spare(until),
                None => return self.finish(InboundPhase::Reset(ReasonCode::Lost.into()), budget),
            }
        }
        if self.ack_at.is_some_and(|at| now >= at) {
            self.ack_at = None;
            self.due |= self.phase == InboundPhase::Open;
        }
        self.due |= now >= self.silence.speaks_at(self.pause());
    }

    /// Returns the answer to late packets of the sender after this was dropped.
    #[must_use]
    pub fn last_word(&self) -> Bytes {
        let frame = match &self.phase {
            InboundPhase::Done => self.receipt(),
            InboundPhase::Reset(reason) | InboundPhase::Stopped(reason) => {
                self.stop_frame(reason.clone())
            }
            InboundPhase::Offered | InboundPhase::Open => self.stop_frame(ReasonCode::Gone.into()),
        };
        frame.encode()
    }

    /// Sends the last packet again: a packet of the sender after the end shows that it was lost.
    pub(super) fn repeat_last_word(&mut self) {
        self.due |= matches!(self.phase, InboundPhase::Done | InboundPhase::Stopped(_));
    }

    /// Returns the maximum time between two packets.
    fn pause(&self) -> Duration {
        let alive = self.limits.idle / SIGNS_OF_LIFE;
        match self.phase {
            // Repeated many times before the offer expires, so that some losses do not matter.
            InboundPhase::Offered => self.limits.retry.min(alive).min(self.limits.answer / 20),
            _ => alive,
        }
    }

    /// Returns when the sender is given up as lost; never once the whole body has arrived.
    fn give_up_at(&self) -> Option<Instant> {
        let silent = self.silence.ends_at(self.limits.idle);
        match self.phase {
            InboundPhase::Offered => Some(silent.min(self.confirm_by)),
            _ => (!self.body.is_whole()).then_some(silent),
        }
    }

    /// Returns until when the sender is not given up, since others of its bodies arrive: what it says
    /// of this one may wait behind them. If it does not know the body any more, it answers with a
    /// reset, unless that is lost too: so there is an end to it.
    fn spared_until(&self, budget: &Budget) -> Option<Instant> {
        const MOST: u32 = 3;
        let idle = self.limits.idle;
        let heard = budget.heard(&self.claim).filter(|_| self.phase == InboundPhase::Open)?;
        Some(later(heard, idle).min(later(self.silence.heard, idle.saturating_mul(MOST))))
    }

    fn receipt(&self) -> Frame {
        Frame::Credit {
            stream: self.stream,
            receiver: self.receiver,
            receipt: Receipt {
                have: self.body.have(),
                credit: self.granted,
                started: self.started && self.nonce.is_some(),
                done: self.phase == InboundPhase::Done,
                nonce: self.nonce,
            },
        }
    }

    fn stop_frame(&self, reason: Reason) -> Frame {
        Frame::Stop { stream: self.stream, receiver: self.receiver, target: self.target, reason }
    }
}
