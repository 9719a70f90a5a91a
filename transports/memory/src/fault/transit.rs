//! Packets in transit.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use bytes::Bytes;
use conduit::transport::{Address, Token};
use event_listener::Event;

use crate::{pipe::Pipe, queue::Queue, way::Writing};

/// A packet in transit.
pub(crate) struct Held {
    pub(crate) from: u64,
    /// The number of the namespace.
    pub(crate) routes: usize,
    pub(crate) to: Address,
    pub(crate) packet: Bytes,
    pub(crate) undelivered: Option<(Address, Token)>,
    /// Set while it waits for the bandwidth of its connection.
    pub(crate) writing: Option<Writing>,
    pub(super) in_line: bool,
}

impl Held {
    pub(crate) fn new(
        (from, routes): (u64, usize),
        to: &Address,
        packet: &Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Self {
        Self {
            from,
            routes,
            to: to.clone(),
            packet: packet.clone(),
            undelivered: undelivered.map(|(inbox, token)| (inbox.clone(), token)),
            writing: None,
            in_line: false,
        }
    }
}

pub(crate) struct Transit {
    held: BTreeMap<(Instant, u64), Held>,
    next: u64,
    /// For each connection with packets in order: how many there are, and when the last arrives.
    lines: BTreeMap<u64, (usize, Instant)>,
    /// The way out of each connection that writes at a bandwidth.
    writing: BTreeMap<u64, Pipe>,
    /// The queues of the packets that connections are receiving.
    arriving: BTreeMap<(Instant, u64), Arc<Queue>>,
    changed: Arc<Event>,
}

impl Transit {
    pub(crate) fn new(changed: Arc<Event>) -> Self {
        Self {
            held: BTreeMap::new(),
            next: 0,
            lines: BTreeMap::new(),
            writing: BTreeMap::new(),
            arriving: BTreeMap::new(),
            changed,
        }
    }

    /// Returns whether a packet published now would overtake another.
    pub(crate) fn has_line(&self, from: u64) -> bool {
        self.lines.contains_key(&from)
    }

    pub(crate) fn hold(&mut self, at: Instant, held: Held) {
        self.held.insert((at, self.next), held);
        self.next += 1;
        self.changed.notify(usize::MAX);
    }

    /// Holds a packet until a time, and until all packets before it have arrived.
    pub(crate) fn hold_in_line(&mut self, at: Instant, mut held: Held) {
        let (count, last) = self.lines.entry(held.from).or_insert((0, at));
        *count += 1;
        *last = at.max(*last);
        held.in_line = true;
        let at = *last;
        self.hold(at, held);
    }

    /// Returns when a connection will have written a packet of `length` bytes after those before.
    pub(crate) fn written_at(
        &mut self,
        from: u64,
        now: Instant,
        length: usize,
        bandwidth: u32,
    ) -> Instant {
        self.writing.entry(from).or_default().pass(now, length, bandwidth)
    }

    /// Takes the next packet that arrives by a time, or the next of all.
    pub(crate) fn pop(&mut self, by: Option<Instant>) -> Option<Held> {
        let arrives = |at: Instant| by.is_none_or(|by| at <= by);
        let first = self.held.first_entry().filter(|entry| arrives(entry.key().0))?;
        let held = first.remove();
        self.leave_line(&held);
        Some(held)
    }

    /// Adds packets that connections are receiving.
    pub(crate) fn receive(&mut self, arriving: Vec<(Instant, Arc<Queue>)>) {
        for (at, queue) in arriving {
            self.arriving.insert((at, self.next), queue);
            self.next += 1;
            self.changed.notify(usize::MAX);
        }
    }

    /// Takes the queue of the next packet that has been received by a time, or of the next of all.
    pub(crate) fn pop_received(&mut self, by: Option<Instant>) -> Option<Arc<Queue>> {
        let first = self.arriving.first_entry()?;
        by.is_none_or(|by| first.key().0 <= by).then(|| first.remove())
    }

    /// Returns when the next packet arrives.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        let held = self.held.keys().next();
        held.into_iter().chain(self.arriving.keys().next()).map(|(at, _)| *at).min()
    }

    /// Removes the packets that one connection has sent, or all.
    pub(crate) fn lose(&mut self, from: Option<u64>) -> Vec<Held> {
        let all = std::mem::take(&mut self.held);
        let is_lost = |held: &Held| from.is_none_or(|from| held.from == from);
        let (lost, kept): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|(_, held)| is_lost(held));
        self.held = kept;
        match from {
            Some(from) => {
                self.lines.remove(&from);
                self.writing.remove(&from);
            }
            None => {
                self.lines.clear();
                self.writing.clear();
            }
        }
        lost.into_values().collect()
    }

    fn leave_line(&mut self, held: &Held) {
        if !held.in_line {
            return;
        }
        if let Some((count, _)) = self.lines.get_mut(&held.from) {
            *count -= 1;
            if *count == 0 {
                self.lines.remove(&held.from);
            }
        }
    }
}

/// Wakes the task that delivers packets when the plan ends.
impl Drop for Transit {
    fn drop(&mut self) {
        self.changed.notify(usize::MAX);
    }
}
