//! Handles the answers of receivers, and the broker's notices.

use std::time::{Duration, Instant};

use super::{GroupLane, Outbound, Peer, PeerState, PlainLane, unproven::Cost};
use crate::{
    address::{Target, Targets},
    proto::{
        Backoff, Paths, Reason, ReasonCode,
        clock::later,
        frame::{Frame, Receipt, Receiver},
    },
};

impl Outbound {
    /// Notes that the broker has an offer: the time for answers starts now.
    pub fn handle_offered(&mut self, now: Instant, target: Target) {
        match (target, &self.group) {
            (Target::Plain, _) if self.plain == PlainLane::Sending => {
                self.plain = PlainLane::Joining(later(now, self.limits.join));
            }
            (Target::Group, GroupLane::Sending { since }) => {
                let since = since.unwrap_or(now);
                self.group = GroupLane::Offered { since, again: later(now, self.limits.retry) };
            }
            _ => {}
        }
    }

    /// Notes that the confirmation of a receiver is about to be handed over. Returns whether it may
    /// be: a receiver that has failed meanwhile is not confirmed.
    pub fn handle_confirming(&mut self, receiver: Receiver) -> bool {
        let peer = self.peers.get_mut(&receiver).filter(|peer| peer.is_active());
        let Some(peer) = peer else { return false };
        peer.confirms = peer.confirms.saturating_add(1);
        true
    }

    /// Notes that a confirmation was not handed over, and never will be.
    pub fn handle_not_confirmed(&mut self, receiver: Receiver) {
        if let Some(peer) = self.peers.get_mut(&receiver) {
            peer.confirms = peer.confirms.saturating_sub(1);
        }
    }

    /// Handles a frame of a receiver of the body, with the methods below. It is for this stream.
    /// Returns whether it is of a kind that a receiver sends; others are ignored.
    pub fn handle_frame(&mut self, now: Instant, frame: Frame, paths: &mut Paths) -> bool {
        match frame {
            Frame::Accept { receiver, target, credit, .. } => {
                self.handle_accept(now, receiver, target, credit);
            }
            Frame::Credit { receiver, receipt, .. } => self.handle_credit(now, receiver, &receipt),
            Frame::Stop { receiver, target, reason, .. } => {
                self.handle_stop(now, receiver, target, reason);
            }
            _ => return false,
        }
        self.account(now, paths);
        true
    }

    /// Handles a receiver's acceptance of the offer.
    pub fn handle_accept(&mut self, now: Instant, from: Receiver, target: Target, credit: u64) {
        // A member that gave the message back and accepts it again is treated as a new one.
        let declined = |peer: &Peer| peer.state == PeerState::Declined && self.group.is_open();
        if let Some(peer) = self.peers.get_mut(&from).filter(|peer| !declined(peer)) {
            if peer.unproven.is_none() {
                peer.silence.hear(now);
            }
            match &peer.state {
                PeerState::Active => peer.say_confirm = true,
                PeerState::Failed(reason) => peer.say_reset = Some(reason.clone()),
                PeerState::Declined => peer.say_reset = Some(ReasonCode::Taken.into()),
                PeerState::Done => {}
            }
            return;
        }
        let before = self.peers.remove(&from);
        if self.peers.len() >= Self::MAX_PEERS {
            return;
        }
        let joins = match target {
            Target::Plain => self.plain.is_open(),
            Target::Group => self.group.is_open(),
        };
        let absence = match (&self.aborted, target) {
            _ if joins => None,
            (Some(reason), _) => Some(reason.clone()),
            (None, Target::Plain) => Some(ReasonCode::Late.into()),
            (None, Target::Group) => Some(ReasonCode::Taken.into()),
        };
        let state = match (&absence, target) {
            (None, _) => PeerState::Active,
            (Some(reason), Target::Plain) => PeerState::Failed(reason.clone()),
            (Some(_), Target::Group) => PeerState::Declined,
        };
        let mut peer = self.peer(now, from, target, state);
        if let Some(before) = before {
            peer.unproven = before.unproven;
        }
        peer.allow(credit);
        peer.say_confirm = joins;
        peer.say_reset = absence;
        if target == Target::Group && joins {
            self.group = GroupLane::Accepted(from);
        }
        self.plain.handle_found(now, target, &self.limits);
        self.peers.insert(from, peer);
        self.close_if_all_joined();
        self.settle(now);
    }

    /// Handles a receiver's acknowledgement. It counts only with the receiver's nonce.
    pub fn handle_credit(&mut self, now: Instant, from: Receiver, receipt: &Receipt) {
        let Receipt { have, credit, started, done, nonce } = *receipt;
        let Some(peer) = self.peers.get_mut(&from).filter(|peer| peer.nonce == nonce) else {
            return;
        };
        if let Some(cost) = peer.unproven.take() {
            self.unproven.proved(&cost);
        }
        match &peer.state {
            PeerState::Active => {}
            PeerState::Failed(reason) => {
                peer.say_reset = Some(reason.clone());
                return;
            }
            PeerState::Done | PeerState::Declined => return,
        }
        // A receiver cannot have bytes that were not sent: the packet is forged or broken.
        if have > self.chunks.written() {
            return;
        }
        peer.started |= started;
        peer.hear(now, have, credit);
        self.say_head = false;
        if done && self.ended && self.aborted.is_none() && have == self.chunks.written() {
            peer.state = PeerState::Done;
        }
        self.settle(now);
    }

    /// Handles a receiver's refusal of the offer, or its stop of the body. A member of the group
    /// that refuses after accepting, before its handler has started, is replaced by another one.
    pub fn handle_stop(&mut self, now: Instant, from: Receiver, target: Target, reason: Reason) {
        let is_full = self.peers.len() >= Self::MAX_PEERS;
        match self.peers.get_mut(&from) {
            Some(peer) if peer.is_replaceable() && reason.code.is_passing() => {
                peer.decline();
                self.asked = now;
                self.backoff = Backoff::default();
                self.refused(now, reason);
            }
            // A late packet, sent before this receiver accepted the offer. A reply is not offered: its
            // asker has refused it.
            Some(peer) if peer.started && !self.stream.reply && reason.code.is_refusal() => {
                peer.silence.hear(now);
            }
            Some(peer) if peer.state != PeerState::Declined => {
                peer.silence.hear(now);
                if peer.is_active() && reason.code.is_refusal() {
                    // No handler has started there, and none will.
                    peer.confirms = 0;
                }
                peer.fail(reason, false);
            }
            _ if target == Target::Group && self.group.is_asked() => self.refused(now, reason),
            None if target == Target::Plain && self.plain.is_open() && !is_full => {
                let peer = self.peer(now, from, target, PeerState::Failed(reason));
                self.peers.insert(from, peer);
                self.close_if_all_joined();
            }
            _ => {}
        }
        self.settle(now);
    }

    /// Creates a receiver that has answered an offer, and may not exist.
    fn peer(&self, now: Instant, at: Receiver, target: Target, state: PeerState) -> Peer {
        let mut peer = Peer::new(now, target, state);
        peer.nonce = self.nonces.as_ref().map(|nonces| nonces.of(self.stream, at));
        peer.unproven = Some(Cost::default());
        peer
    }

    /// Notes that the group refuses the offer: now, or for ever.
    fn refused(&mut self, now: Instant, reason: Reason) {
        self.refusal = Some(reason.clone());
        let give_up = self.give_up();
        let again = || self.backoff.again(now, give_up, Duration::ZERO);
        self.group = match reason.code.is_passing().then(again).flatten() {
            Some(until) => GroupLane::Backoff { until },
            None => GroupLane::Refused(reason),
        };
    }

    /// Handles a notice that an offer had no subscriber. A notice that contradicts what a receiver
    /// said is ignored; one about the group applies to the current offer.
    pub fn handle_undelivered(&mut self, now: Instant, targets: Targets) {
        let joined = self.peers.values().any(|peer| peer.target == Target::Plain);
        if targets.plain() && !joined {
            self.plain.close();
        }
        if targets.group() && self.group.is_asked() {
            self.group = GroupLane::Empty;
        }
        self.settle(now);
    }
}
