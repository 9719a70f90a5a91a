//! The packets of the sending half, and their recipients.

use std::{ops::Bound, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{GroupLane, Outbound, Peer, PlainLane, flight::HeldUp};
use crate::{
    InstanceId,
    address::Target,
    proto::{
        Paths,
        frame::{Frame, Head, Receiver},
        paths::Way,
    },
};

/// A packet to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The recipient.
    pub to: Recipient,
    /// The packet.
    pub packet: Bytes,
    /// Set for an offer: request a notice if it has no subscriber, and call
    /// [`handle_offered`](Outbound::handle_offered) once the broker has it.
    pub offer: Option<Target>,
    /// Set if it confirms a receiver, whose handler may then start: call
    /// [`handle_confirming`](Outbound::handle_confirming) before it is handed over.
    pub confirm: Option<Receiver>,
}

/// The recipient of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// The bindings of the subject.
    Bindings(Target),
    /// The inbox of an instance.
    Inbox(InstanceId),
}

impl Outbound {
    /// Returns the next packet to publish. To be called again after every other call, and when
    /// [`Paths::poll_woken`] returns its stream.
    pub fn poll_transmit(&mut self, now: Instant, paths: &mut Paths) -> Option<Transmit> {
        self.account(now, paths);
        if let Some(first) = self.poll_offer(now).or_else(|| self.poll_word(now)) {
            return Some(first);
        }
        let mut held_up = HeldUp::default();
        let data = self.poll_broadcast(now, &mut held_up, paths);
        let data = data.or_else(|| self.poll_data(now, &mut held_up, paths));
        match data {
            Some(_) => self.wait_too(held_up),
            None => self.wait_only(now, held_up, paths),
        }
        // A receiver to which there is no room may have to be sent a ping.
        data.or_else(|| self.poll_word(now))
    }

    /// Sets how many bytes of the body a packet may hold from now on, however they were pushed.
    pub fn limit_chunk(&mut self, most: usize) {
        self.chunks.most = most as u64;
    }

    fn poll_offer(&mut self, now: Instant) -> Option<Transmit> {
        if self.plain == PlainLane::Offering {
            self.plain = PlainLane::Sending;
            return Some(self.offer_to(now, Target::Plain));
        }
        if let GroupLane::Offering { since } = self.group {
            self.group = GroupLane::Sending { since };
            return Some(self.offer_to(now, Target::Group));
        }
        None
    }

    fn offer_to(&self, now: Instant, target: Target) -> Transmit {
        let frame = Frame::Offer {
            head: self.head_now(now),
            message: self.stream.message,
            target,
            length: self.length,
        };
        let (to, packet) = (Recipient::Bindings(target), frame.encode());
        Transmit { to, packet, offer: Some(target), confirm: None }
    }

    /// Returns the head, with the time that is left now.
    fn head_now(&self, now: Instant) -> Arc<Head> {
        let mut head = self.head.clone();
        if let Some(request) = &mut head.request {
            request.time_left = self.deadline.map(|at| at.saturating_duration_since(now));
        }
        Arc::new(head)
    }

    /// Returns the next confirmation, reset, end, or sign of life.
    fn poll_word(&mut self, now: Instant) -> Option<Transmit> {
        let (message, stream) = (self.stream.message, self.stream);
        let request = self.answers.unwrap_or(message);
        let (written, checksum) = (self.chunks.written(), self.chunks.checksum());
        let limits = &self.limits;
        let mut say_head = std::mem::take(&mut self.say_head);
        for (&receiver, peer) in &mut self.peers {
            let frame = if let Some(reason) = peer.say_reset.take() {
                Frame::Reset { stream, port: Some(receiver.port), reason }
            } else if !peer.is_active() {
                continue;
            } else if std::mem::take(&mut say_head) {
                let head = Arc::new(self.head.clone());
                peer.expect(now);
                Frame::ReplyStream { request, message, head, length: self.length }
            } else if let Some(nonce) = peer.nonce.filter(|_| peer.say_confirm) {
                peer.say_confirm = false;
                Frame::Confirm { message, port: receiver.port, nonce }
            } else if self.ended
                && peer.sent == written
                && (!peer.end_sent || now >= peer.ping_at(limits))
            {
                peer.end_sent = true;
                peer.expect(now);
                Frame::End { stream, length: written, checksum }
            } else if std::mem::take(&mut peer.say_ping) || now >= peer.ping_at(limits) {
                Frame::Ping { stream }
            } else {
                continue;
            };
            peer.silence.speak(now);
            let packet = frame.encode();
            if let Some(cost) = &mut peer.unproven
                && !self.unproven.say(cost, packet.len())
            {
                continue;
            }
            let mut confirm = None;
            match frame {
                Frame::Confirm { .. } => confirm = Some(receiver),
                Frame::End { .. } => self.ended_at(now, receiver.instance),
                Frame::Ping { .. } => self.at(receiver.instance).for_each(|peer| {
                    peer.silence.speak(now);
                    peer.say_ping = false;
                }),
                _ => {}
            }
            return Some(Transmit { confirm, ..to_inbox(receiver, packet) });
        }
        None
    }

    /// Returns the next chunk for all plain receivers, by the broker's fan-out, while they are at
    /// the same offset. A receiver that falls behind is served alone until it has caught up. Once one
    /// was cut off, none goes by the fan-out, which would flood the link of that one.
    fn poll_broadcast(
        &mut self,
        now: Instant,
        held_up: &mut HeldUp,
        paths: &mut Paths,
    ) -> Option<Transmit> {
        let plain = |(_, peer): &(&Receiver, &Peer)| peer.hears_fan_out();
        if self.plain.is_open() || self.peers.values().any(Peer::is_cut_off) {
            return None;
        }
        let peers = || self.peers.iter().filter(plain);
        let from = peers().next()?.1.sent;
        peers().nth(1)?;
        if !peers().all(|(_, peer)| peer.sent == from && !peer.is_resuming()) {
            return None;
        }
        let credits = peers().map(|(_, peer)| (peer.credit(), peer.owes_receipt()));
        let (credit, more) = credits.min()?;
        let (packet, end) = self.chunks.packet(from, credit, more)?;
        // Those of one instance stand beside each other.
        let mut instances: Vec<_> = peers().map(|(receiver, _)| receiver.instance).collect();
        instances.dedup();
        let to = instances.iter().copied();
        if let Err(at) = paths.may_send(now, self.stream, &to, end - from, true) {
            held_up.add(at);
            if let Some(Way::To(instance)) = at {
                self.held_up_at(now, instance, from);
            }
            let plain = self.peers.values_mut().filter(|peer| peer.hears_fan_out());
            plain.for_each(Peer::held_up);
            return None;
        }
        let is_light = paths.is_light();
        for peer in self.peers.values_mut().filter(|peer| peer.hears_fan_out()) {
            peer.advance(now, end, is_light);
            peer.is_fanned = true;
        }
        self.took_turn(now, to, paths);
        let to = Recipient::Bindings(Target::Plain);
        Some(Transmit { to, packet, offer: None, confirm: None })
    }

    /// Returns the next chunk for one receiver; they take turns. Those that are to get a chunk at
    /// once wait for it.
    fn poll_data(
        &mut self,
        now: Instant,
        held_up: &mut HeldUp,
        paths: &mut Paths,
    ) -> Option<Transmit> {
        let turn = match self.served {
            Some(last) => (Bound::Excluded(last), Bound::Unbounded),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let all_wait = !held_up.is_empty();
        let mut waiting = Vec::new();
        let later = self.peers.range(turn);
        let next = later.chain(self.peers.iter()).find_map(|(&receiver, peer)| {
            let more = peer.owes_receipt();
            let takes_data = peer.takes_data() && !(all_wait && peer.hears_fan_out());
            let packet =
                takes_data.then(|| self.chunks.packet(peer.sent, peer.credit(), more)).flatten();
            let (packet, end) = packet?;
            let cost = peer.unproven.as_ref();
            if !cost.is_none_or(|cost| self.unproven.has_room(cost, packet.len())) {
                return None;
            }
            let to = std::iter::once(receiver.instance);
            if let Err(at) = paths.may_send(now, self.stream, &to, end - peer.sent, cost.is_none())
            {
                held_up.add(at);
                waiting.push(receiver);
                return None;
            }
            Some((receiver, packet, end))
        });
        for receiver in waiting {
            self.peers.entry(receiver).and_modify(Peer::held_up);
        }
        let (receiver, packet, end) = next?;
        let peer = self.peers.get_mut(&receiver)?;
        let from = peer.sent;
        if let Some(cost) = &mut peer.unproven {
            self.unproven.sent(cost, packet.len());
        }
        // A chunk sent to one receiver reaches all receivers in its instance.
        let is_light = paths.is_light();
        for peer in self.at(receiver.instance) {
            if peer.sent == from && peer.credit() >= end {
                peer.advance(now, end, is_light);
                peer.is_fanned = false;
            }
        }
        self.served = Some(receiver);
        self.took_turn(now, [receiver.instance], paths);
        Some(to_inbox(receiver, packet))
    }

    /// Iterates over the active receivers in an instance.
    pub(super) fn at(&mut self, instance: InstanceId) -> impl Iterator<Item = &mut Peer> {
        let port = |port| Receiver { instance, port };
        let all = self.peers.range_mut(port(0)..=port(u64::MAX));
        all.map(|(_, peer)| peer).filter(|peer| peer.is_active())
    }

    /// Notes that an instance was sent the end, which reaches all its receivers.
    fn ended_at(&mut self, now: Instant, instance: InstanceId) {
        let written = self.chunks.written();
        for peer in self.at(instance).filter(|peer| peer.sent == written) {
            peer.end_sent = true;
            peer.expect(now);
        }
    }
}

fn to_inbox(receiver: Receiver, packet: Bytes) -> Transmit {
    let to = Recipient::Inbox(receiver.instance);
    Transmit { to, packet, offer: None, confirm: None }
}
