//! The driver of the sending half: a producer, and what became of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    proto::{Asked, Nonces, Outbound, Outcome, Paths, Reason, ReasonCode, Transmit, frame::Frame},
    transport::Target,
};

use super::setup::{MESSAGE, REQUEST, Setup};

/// The sending half, until it is forgotten.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) outbound: Option<Outbound>,
    pub(crate) paths: Paths,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) body: Bytes,
    /// Its process was killed.
    pub(crate) is_dead: bool,
    /// The most bytes it ever held.
    pub(crate) most_held: u64,
    /// How many bytes it took from its producer.
    pub(crate) given: usize,
    /// Its producer has nothing to give now.
    pub(crate) stalled: bool,
    pieces: Vec<usize>,
    piece: usize,
    known: bool,
    fails_at: Option<usize>,
    window: u64,
}

impl Sender {
    pub(super) fn new(now: Instant, setup: Setup) -> Self {
        let length = setup.known.then_some(setup.body.len() as u64);
        let outbound = if setup.reply {
            let asker = setup.receiver(0, 0);
            let asked = Asked { request: REQUEST, asker, credit: setup.inbound.initial };
            let limits = setup.outbound.clone();
            Outbound::reply(now, MESSAGE, Setup::head(), asked, length, limits)
        } else {
            let limits = setup.outbound.clone();
            let nonces = Nonces::new([7; 16]);
            Outbound::offer(now, MESSAGE, Setup::head(), setup.targets, length, nonces, limits)
        };
        Self {
            outbound: Some(outbound),
            paths: Paths::default(),
            outcome: None,
            body: setup.body,
            is_dead: false,
            most_held: 0,
            given: 0,
            stalled: setup.stalled,
            pieces: setup.pieces,
            piece: 0,
            known: setup.known,
            fails_at: setup.fails_at,
            window: setup.outbound.window,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.outbound.is_none()
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        let outbound = self.outbound.as_ref().filter(|_| !self.is_dead)?;
        outbound.poll_timeout()
    }

    pub(super) fn abort(&mut self, reason: Reason) {
        if let Some(outbound) = &mut self.outbound {
            outbound.abort(reason);
        }
    }

    pub(super) fn handle_offered(&mut self, now: Instant, target: Target) {
        if let Some(outbound) = &mut self.outbound {
            outbound.handle_offered(now, target);
        }
    }

    pub(super) fn handle_undelivered(&mut self, now: Instant, target: Target) {
        if let Some(outbound) = &mut self.outbound {
            outbound.handle_undelivered(now, target.into());
        }
    }

    /// Returns whether it knows the stream.
    pub(super) fn handle(&mut self, now: Instant, frame: &Frame) -> bool {
        let Some(outbound) = &mut self.outbound else {
            return self.is_dead;
        };
        if !self.is_dead {
            let is_known = outbound.handle_frame(now, frame.clone(), &mut self.paths);
            assert!(is_known, "a receiver does not send {frame:?}");
        }
        true
    }

    pub(super) fn settle(&mut self, now: Instant) -> Vec<Transmit> {
        let mut packets = Vec::new();
        if self.is_dead {
            return packets;
        }
        let Some(mut outbound) = self.outbound.take() else {
            return packets;
        };
        outbound.handle_timeout(now, &mut self.paths);
        if !self.stalled {
            self.fill(&mut outbound);
        }
        packets.extend(std::iter::from_fn(|| outbound.poll_transmit(now, &mut self.paths)));
        let next = outbound.poll_timeout();
        assert!(next.is_none_or(|at| at > now), "a busy loop: {outbound:?}");
        let held = outbound.held();
        assert!(held <= self.window, "{held} bytes are held");
        self.most_held = self.most_held.max(held);
        self.outcome = outbound.outcome();
        if self.outcome.is_none() {
            self.outbound = Some(outbound);
        } else {
            assert_eq!(held, 0, "bytes are held after the end");
            outbound.close(now, &mut self.paths);
            self.paths.expire(now + Duration::from_secs(60));
            assert!(self.paths.is_empty(), "something is on the way after the end");
        }
        packets
    }

    fn fill(&mut self, outbound: &mut Outbound) {
        loop {
            let capacity = outbound.capacity();
            let all = self.given == self.body.len();
            if all && (self.known || capacity > 0) {
                return outbound.finish();
            }
            if capacity == 0 {
                return;
            }
            if self.fails_at.is_some_and(|at| self.given >= at) {
                return outbound.abort(Reason::new(ReasonCode::BodyFailed, "disk on fire"));
            }
            let most = self.fails_at.unwrap_or(self.body.len()).min(self.body.len());
            let size = self.pieces[self.piece % self.pieces.len()].min(capacity);
            let end = most.min(self.given + size);
            outbound.push(&self.body.slice(self.given..end));
            self.given = end;
            self.piece += 1;
        }
    }
}
