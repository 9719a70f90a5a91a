//! Everything that is on its way.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

/// Where chance comes from: a number below the one given.
pub(crate) type Dice = Box<dyn FnMut(u64) -> u64>;

/// A broker's wires: what they carry comes late, in any order, or not at all. Nothing comes twice: no
/// transport repeats a packet, and a request has nothing to tell a repeated refusal by.
pub(crate) struct Wire<T> {
    dice: Dice,
    /// How long a packet takes, in milliseconds.
    pub(crate) delay: Range<u64>,
    /// Of a hundred packets, how many are lost.
    pub(crate) loss: u64,
    /// Which packets are lost.
    pub(crate) loses: Box<dyn FnMut(&T) -> bool>,
    queue: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Wire<T> {
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            delay: 1..2,
            loss: 0,
            loses: Box::new(|_| false),
            queue: BTreeMap::new(),
            count: 0,
        }
    }

    /// A number below another.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        (self.dice)(sides)
    }

    pub(super) fn send(&mut self, now: Instant, packet: T) {
        if (self.loses)(&packet) || self.loss > 0 && self.roll(100) < self.loss {
            return;
        }
        let spread = self.roll(self.delay.end - self.delay.start);
        let at = now + Duration::from_millis(self.delay.start + spread);
        self.count += 1;
        self.queue.insert((at, self.count), packet);
    }

    pub(super) fn arrival(&mut self, now: Instant) -> Option<T> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        self.queue.keys().next().map(|&(at, _)| at)
    }
}
