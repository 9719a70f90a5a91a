//! The timers of the sending half, and which receivers hold up others.

use std::time::Instant;

use super::{GroupLane, Outbound, Peer, resumption::Overdue};
use crate::{
    address::Target,
    proto::{Paths, clock::later},
};

impl Outbound {
    /// Returns when to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let lanes = [self.plain.next_timeout(), self.group.next_timeout(&self.limits)];
        let peers = self.peers.values().filter_map(|peer| peer.next_timeout(&self.limits));
        lanes.into_iter().flatten().chain(peers).chain(self.asks_at).min()
    }

    /// Handles the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant, paths: &mut Paths) {
        let found = matches!(self.group, GroupLane::Accepted(_))
            || self.peers.values().any(|peer| peer.target == Target::Plain);
        self.plain.handle_timeout(now, found, &self.limits);
        self.group.handle_timeout(now, &self.limits);
        for (receiver, peer) in &mut self.peers {
            let (instance, owed) = (receiver.instance, peer.flight().bytes);
            let overdue = peer.handle_timeout(now, instance, paths, &self.limits);
            if overdue == Overdue::Resumed && owed > 0 && peer.unproven.is_none() {
                paths.lost(now, instance);
            }
            // Until the reader of a reply was heard from, it may not have received the head.
            self.say_head |= overdue != Overdue::No && !peer.introduced;
        }
        self.settle(now);
    }

    /// Returns until when the group is asked again.
    pub(super) fn give_up(&self) -> Instant {
        self.deadline.unwrap_or_else(|| later(self.asked, self.limits.patience))
    }

    pub(super) fn close_if_all_joined(&mut self) {
        let plain = self.peers.values().filter(|peer| peer.target == Target::Plain).count();
        if self.limits.expect.is_some_and(|expected| plain >= expected) {
            self.plain.close();
        }
    }

    /// Drops chunks that no receiver lacks, and notes which receivers hold up others.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.plain.is_open() || self.group.is_open() {
            return;
        }
        let active = || self.peers.values().filter(|peer| peer.is_active());
        let Some(slowest) = active().map(Peer::lacks).min() else {
            return self.chunks.clear();
        };
        let alone = active().nth(1).is_none();
        self.chunks.release(slowest);
        if self.ended || alone {
            // No receiver holds up another.
            return self.peers.values_mut().for_each(Peer::unmark);
        }
        let written = self.chunks.written();
        let full =
            self.chunks.held() >= self.limits.window || self.chunks.count() >= self.limits.chunks;
        if full && active().any(|peer| peer.lacks() == written) {
            let behind = |peer: &&mut Peer| peer.is_active() && peer.lacks() < written;
            self.peers.values_mut().filter(behind).for_each(|peer| peer.mark(now, written));
        }
    }
}
