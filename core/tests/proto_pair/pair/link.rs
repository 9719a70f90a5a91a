//! Everything that is on its way, and what may happen to it there.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

use bytes::Bytes;
use conduit::{proto::frame::Frame, transport::Target};

use super::Dice;

/// Who gets a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Sender,
    Station(usize),
}

/// What arrives.
#[derive(Debug)]
pub(crate) enum Event {
    Packet(Party, Bytes),
    /// The broker has an offer.
    Offered(Target),
    /// The broker has an offer and nobody to give it to.
    Undelivered(Target),
}

/// A broker and the way to it and from it.
pub(crate) struct Link {
    start: Instant,
    dice: Dice,
    /// How long a packet takes, in milliseconds.
    pub(crate) delay: Range<u64>,
    /// Of a hundred packets, how many are lost.
    pub(crate) loss: u64,
    /// Of a hundred packets, how many arrive twice.
    pub(crate) repeats: u64,
    /// Packets to one party arrive in their order.
    pub(crate) in_order: bool,
    /// Nothing passes from the first moment to the second.
    pub(crate) outage: Range<Duration>,
    /// Which packets are lost.
    pub(crate) loses: Box<dyn FnMut(&Frame) -> bool>,
    queue: BTreeMap<(Instant, u64), Event>,
    last: BTreeMap<Party, Instant>,
    count: u64,
}

impl Link {
    pub(crate) fn new(start: Instant, dice: Dice) -> Self {
        Self {
            start,
            dice,
            delay: 1..2,
            loss: 0,
            repeats: 0,
            in_order: true,
            outage: Duration::ZERO..Duration::ZERO,
            loses: Box::new(|_| false),
            queue: BTreeMap::new(),
            last: BTreeMap::new(),
            count: 0,
        }
    }

    /// A number below another.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        (self.dice)(sides)
    }

    pub(crate) fn next_time(&self) -> Option<Instant> {
        self.queue.keys().next().map(|&(at, _)| at)
    }

    pub(crate) fn arrival(&mut self, now: Instant) -> Option<Event> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn send(&mut self, now: Instant, to: Party, packet: Bytes) {
        self.send_late(now, to, packet, Duration::ZERO);
    }

    pub(crate) fn send_late(&mut self, now: Instant, to: Party, packet: Bytes, late: Duration) {
        let frame = Frame::decode(&packet).expect("what is sent can be read");
        if (self.loses)(&frame) || self.outage.contains(&(now - self.start)) {
            return;
        }
        if self.happens(self.loss) {
            return;
        }
        if self.happens(self.repeats) {
            self.enqueue(now + late, to, packet.clone());
        }
        self.enqueue(now + late, to, packet);
    }

    /// Something that the broker says to the publisher, which is never lost.
    pub(crate) fn publish_later(&mut self, now: Instant, event: Event) {
        let at = now + self.travel();
        self.count += 1;
        self.queue.insert((at, self.count), event);
    }

    fn enqueue(&mut self, now: Instant, to: Party, packet: Bytes) {
        let mut at = now + self.travel();
        if self.in_order {
            at = at.max(self.last.get(&to).copied().unwrap_or(at));
            self.last.insert(to, at);
        }
        self.count += 1;
        self.queue.insert((at, self.count), Event::Packet(to, packet));
    }

    fn travel(&mut self) -> Duration {
        let spread = self.roll(self.delay.end - self.delay.start);
        Duration::from_millis(self.delay.start + spread)
    }

    fn happens(&mut self, percent: u64) -> bool {
        percent > 0 && self.roll(100) < percent
    }
}
