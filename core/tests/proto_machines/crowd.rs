//! Many bodies of many sources, at one conduit.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    MessageId, Source,
    proto::{
        Budget, BudgetLimits, Inbound, InboundLimits, Offered, Read, ReasonCode, Refused,
        frame::{Frame, Receiver, StreamId},
    },
    transport::Target,
};

use crate::forged::{NONCE, RECEIVER, SECOND};

pub(crate) const FIRST: u64 = 64 << 10;
pub(crate) const WINDOW: u64 = 1 << 20;
/// The library's own.
pub(crate) const LIMITS: BudgetLimits = BudgetLimits {
    bytes: 48 << 20,
    first: FIRST,
    bodies: 1024,
    bodies_per_binding: 512,
    places: 1024,
    packets: 4 << 20,
};

pub(crate) struct Crowd {
    pub(crate) now: Instant,
    pub(crate) limits: BudgetLimits,
    pub(crate) budget: Budget,
    pub(crate) bodies: Vec<Body>,
    /// The last words of those that gave way.
    pub(crate) gave_way: Vec<Body>,
    next: u64,
}

pub(crate) struct Body {
    pub(crate) source: Source,
    pub(crate) port: u64,
    pub(crate) inbound: Inbound,
    stream: StreamId,
    read: u64,
    credit: u64,
}

impl Crowd {
    pub(crate) fn new(limits: BudgetLimits) -> Self {
        Self {
            now: Instant::now(),
            limits,
            budget: Budget::new(limits),
            bodies: Vec::new(),
            gave_way: Vec::new(),
            next: 0,
        }
    }

    /// Offers one body. Returns whether it was taken.
    pub(crate) fn offer(&mut self, source: &Source, port: u64, length: Option<u64>) -> bool {
        self.next += 1;
        let mut id = [0; MessageId::LEN];
        id[..8].copy_from_slice(&self.next.to_be_bytes());
        let stream = StreamId { message: MessageId::from_bytes(id), reply: false };
        let limits = InboundLimits {
            initial: self.limits.first,
            window: WINDOW.max(self.limits.first),
            answer: 5 * SECOND,
            idle: 10 * SECOND,
            retry: SECOND,
            ack_delay: SECOND / 40,
        };
        let waiting = |body: &&Body| body.port == port && body.inbound.is_unstarted();
        let waiting = self.bodies.iter().filter(waiting).count() as u64;
        let (packet, first) = (100, limits.first(length));
        let free_places = self.limits.places - waiting;
        let free_packets = self.limits.packets.saturating_sub(waiting * packet);
        if free_places == 0 {
            return false;
        }
        let offered = Offered { stream, source, port, first, packet, free_places, free_packets };
        loop {
            match self.budget.offer(self.now, &offered) {
                Ok(claim) => {
                    let (receiver, target) = (Receiver { port, ..RECEIVER }, Target::Group);
                    let now = self.now;
                    let inbound =
                        Inbound::offered(now, stream, receiver, target, length, limits, claim);
                    let source = source.clone();
                    let (read, credit) = (0, first);
                    self.bodies.push(Body { source, port, inbound, stream, read, credit });
                    return true;
                }
                Err(Refused::Full) => return false,
                Err(Refused::GivesWay(stream, port)) => self.give_way(stream, port),
            }
        }
    }

    fn give_way(&mut self, stream: StreamId, port: u64) {
        let is_it = |body: &Body| body.stream == stream && body.port == port;
        let at = self.bodies.iter().position(is_it).expect("it is there");
        let mut body = self.bodies.remove(at);
        assert!(body.inbound.is_undecided(), "what is confirmed never gives way");
        body.inbound.stop(ReasonCode::Overloaded.into(), &mut self.budget);
        body.inbound.close(&mut self.budget);
        self.gave_way.push(body);
    }

    /// How many of so many offers are taken.
    pub(crate) fn offer_all(&mut self, source: &Source, port: u64, count: usize) -> usize {
        (0..count).filter(|_| self.offer(source, port, None)).count()
    }

    pub(crate) fn confirm(&mut self, source: &Source) {
        for body in self.bodies.iter_mut().filter(|body| body.source == *source) {
            body.inbound.handle_confirm(self.now, NONCE, &mut self.budget);
        }
    }

    /// Each body of a source is sent all that it may be, and its reader takes so much of it.
    pub(crate) fn go_on(&mut self, source: &Source, most: u64) {
        for body in self.bodies.iter_mut().filter(|body| body.source == *source) {
            body.go_on(self.now, most, &mut self.budget);
        }
    }

    /// So does the one that was taken last.
    pub(crate) fn newest_goes_on(&mut self, most: u64) {
        if let Some(body) = self.bodies.last_mut() {
            body.go_on(self.now, most, &mut self.budget);
        }
    }

    pub(crate) fn held(&self, source: &Source) -> usize {
        self.bodies.iter().filter(|body| body.source == *source).count()
    }

    pub(crate) fn rooms(&self, source: &Source) -> Vec<u64> {
        let bodies = self.bodies.iter().filter(|body| body.source == *source);
        bodies.map(|body| body.credit - body.read).collect()
    }

    pub(crate) fn close(&mut self, at: usize) {
        let mut body = self.bodies.remove(at);
        body.inbound.close(&mut self.budget);
    }

    pub(crate) fn later(&mut self, time: Duration) {
        self.now += time;
    }

    /// No limit is exceeded, and unconfirmed offers hold a quarter of each.
    pub(crate) fn check(&self) {
        let limits = &self.limits;
        assert!(self.budget.used() <= limits.bytes, "too many bytes");
        let charged: u64 = self.bodies.iter().map(|body| body.inbound.charge()).sum();
        assert_eq!(self.budget.used(), charged, "the sum is wrong");
        let most = |limit: u64| (limit / 4).max(1);
        let unconfirmed = self.bodies.iter().filter(|body| body.inbound.is_undecided());
        let (mut all, mut bytes) = (0, 0);
        for body in unconfirmed {
            all += 1;
            bytes += body.inbound.charge();
        }
        assert!(self.bodies.len() as u64 <= limits.bodies && all <= most(limits.bodies));
        assert!(bytes <= (limits.bytes / 4).max(limits.first), "{bytes} are not confirmed");
        for port in 1..=2 {
            let of_binding = || self.bodies.iter().filter(move |body| body.port == port);
            let count = of_binding().count() as u64;
            let unconfirmed =
                of_binding().filter(|body| body.inbound.is_undecided()).count() as u64;
            assert!(count <= limits.bodies_per_binding);
            assert!(unconfirmed <= most(limits.bodies_per_binding));
            assert!(unconfirmed <= most(limits.places));
        }
    }
}

impl Body {
    fn go_on(&mut self, now: Instant, most: u64, budget: &mut Budget) {
        let length = usize::try_from(self.credit - self.read).expect("it fits into memory");
        let mut pieces = Bytes::from(vec![7; length]);
        let mut offset = self.read;
        while !pieces.is_empty() {
            let piece = pieces.split_to(pieces.len().min(16 << 10));
            let length = piece.len() as u64;
            self.inbound.handle_data(now, offset, piece, budget);
            offset += length;
        }
        let start = self.read;
        while self.read - start < most
            && let Read::Chunk(bytes) = self.inbound.read(budget)
        {
            self.read += bytes.len() as u64;
        }
        while let Some(packet) = self.inbound.poll_transmit(now) {
            if let Ok(Frame::Credit { receipt, .. }) = Frame::decode(&packet) {
                self.credit = receipt.credit;
            }
        }
    }
}
