//! What the body has on the way, and where it waits for its turn.

use std::{collections::BTreeSet, time::Instant};

use super::{Outbound, Peer};
use crate::{
    InstanceId,
    proto::{
        Paths,
        clock::later,
        paths::{Flight, Way},
    },
};

/// Where chunks that could be sent wait.
#[derive(Debug, Default)]
pub(super) struct HeldUp {
    at: BTreeSet<Way>,
    /// Some wait until receivers are proven.
    unproven: bool,
}

impl HeldUp {
    pub(super) fn add(&mut self, at: Option<Way>) {
        self.at.extend(at);
        self.unproven |= at.is_none();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty() && !self.unproven
    }
}

impl Outbound {
    /// Releases what it has on the way. It is not used afterwards.
    pub fn close(&mut self, now: Instant, paths: &mut Paths) {
        for (receiver, peer) in &mut self.peers {
            let in_flight = std::mem::take(&mut peer.in_flight);
            paths.change(now, Way::To(receiver.instance), in_flight, Flight::default());
        }
        let in_flight = std::mem::take(&mut self.in_flight);
        paths.change(now, Way::Uplink, in_flight, Flight::default());
        self.wait_only(now, HeldUp::default(), paths);
    }

    /// Tells the paths what it has on the way, and what has arrived.
    pub(super) fn account(&mut self, now: Instant, paths: &mut Paths) {
        let (mut all, mut fanned) = (Flight::default(), None);
        for (receiver, peer) in &mut self.peers {
            let (way, flight) = (Way::To(receiver.instance), peer.flight());
            let news = std::mem::take(&mut peer.news);
            if news.is_any {
                paths.acked(now, receiver.instance, news);
            }
            if peer.in_flight != flight {
                paths.change(now, way, peer.in_flight, flight);
                peer.in_flight = flight;
            }
            match peer.is_fanned && peer.is_active() {
                // One packet for all, of which the broker has told the quickest.
                true => fanned = Some(fanned.map_or(flight.bytes, |it: u64| it.min(flight.bytes))),
                false => {
                    all.bytes += flight.bytes;
                    all.unproven += flight.unproven;
                }
            }
        }
        all.bytes += fanned.unwrap_or(0);
        paths.change(now, Way::Uplink, std::mem::replace(&mut self.in_flight, all), all);
    }

    /// Waits where chunks are held up, and nowhere else.
    pub(super) fn wait_only(&mut self, now: Instant, held_up: HeldUp, paths: &mut Paths) {
        self.asks_at = (!held_up.is_empty()).then(|| later(now, Paths::patience()));
        for way in self.waits.difference(&held_up.at) {
            paths.leave(now, *way, self.stream);
        }
        self.waits = held_up.at;
    }

    /// Waits where chunks are held up too.
    pub(super) fn wait_too(&mut self, mut held_up: HeldUp) {
        self.waits.append(&mut held_up.at);
    }

    /// Notes that a chunk was sent to instances: others have their turn.
    pub(super) fn took_turn(
        &mut self,
        now: Instant,
        to: impl IntoIterator<Item = InstanceId>,
        paths: &mut Paths,
    ) {
        self.account(now, paths);
        for way in std::iter::once(Way::Uplink).chain(to.into_iter().map(Way::To)) {
            self.waits.remove(&way);
            paths.leave(now, way, self.stream);
        }
    }

    /// Notes that a chunk for all cannot be sent, since there is no room on the way to an instance.
    pub(super) fn held_up_at(&mut self, now: Instant, instance: InstanceId, sent: u64) {
        let mut active = self.peers.values().filter(|peer| peer.is_active());
        if self.ended || !active.any(|peer| peer.lacks() >= sent) {
            return;
        }
        let behind = |peer: &&mut Peer| peer.lacks() < sent;
        self.at(instance).filter(behind).for_each(|peer| peer.mark(now, sent));
    }
}

impl Peer {
    /// Returns how many bytes are on the way to it.
    pub(super) fn flight(&self) -> Flight {
        let bytes = if self.is_active() { self.sent.saturating_sub(self.acked) } else { 0 };
        Flight { bytes, unproven: if self.unproven.is_some() { bytes } else { 0 } }
    }

    /// Notes that there is no room on the way to it. What it has been sent is acknowledged at once
    /// if a ping follows.
    pub(super) fn held_up(&mut self) {
        if self.owes_receipt() && self.pinged != self.sent {
            self.pinged = self.sent;
            self.say_ping = true;
        }
    }
}
