//! Bodies of which nothing is heard, while others of the same instance are.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    MessageId,
    proto::{
        Asked, Budget, Inbound, Outbound, Paths, ReasonCode,
        frame::{Frame, Receipt, Receiver, StreamId},
    },
    transport::Target,
};

use crate::{
    forged::{MESSAGE, NONCE, RECEIVER, SECOND, head, inbound_limits, limits},
    offers::{budget, offered, source},
};

const IDLE: Duration = Duration::from_secs(10);
const OTHER: MessageId = MessageId::from_bytes([8; 16]);

/// Two bodies for one instance. They are replies, which need no confirmation.
struct Senders {
    now: Instant,
    silent: Outbound,
    other: Outbound,
    paths: Paths,
    /// How many bytes of the other one were sent.
    sent: u64,
}

impl Senders {
    fn new() -> Self {
        let now = Instant::now();
        let reply = |message| {
            let asked = Asked { request: message, asker: RECEIVER, credit: 1 << 20 };
            Outbound::reply(now, message, head(), asked, None, limits(1 << 20, None))
        };
        let (silent, other, paths) = (reply(MESSAGE), reply(OTHER), Paths::default());
        let mut senders = Self { now, silent, other, paths, sent: 0 };
        senders.settle();
        senders.silent_has(0);
        senders.other_has(0);
        senders
    }

    fn settle(&mut self) {
        for body in [&mut self.silent, &mut self.other] {
            body.handle_timeout(self.now, &mut self.paths);
            while body.poll_transmit(self.now, &mut self.paths).is_some() {}
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += SECOND / 4;
            self.settle();
        }
    }

    /// The other one sends bytes.
    fn other_sends(&mut self, bytes: u16) {
        self.other.push(&Bytes::from(vec![7; bytes.into()]));
        self.sent += u64::from(bytes);
        self.settle();
    }

    fn has(&mut self, message: MessageId, have: u64) {
        let stream = StreamId { message, reply: true };
        let receipt = Receipt { have, credit: 1 << 20, ..Receipt::default() };
        let frame = Frame::Credit { stream, receiver: RECEIVER, receipt };
        let body = if message == MESSAGE { &mut self.silent } else { &mut self.other };
        body.handle_frame(self.now, frame, &mut self.paths);
        self.settle();
    }

    fn silent_has(&mut self, have: u64) {
        self.has(MESSAGE, have);
    }

    fn other_has(&mut self, have: u64) {
        self.has(OTHER, have);
    }

    fn is_lost(&self) -> bool {
        let Some(outcome) = self.silent.outcome() else { return false };
        assert!(outcome.deliveries.iter().all(|it| it.result == Err(ReasonCode::Lost.into())));
        true
    }
}

#[test]
fn a_body_whose_answers_wait_behind_those_to_others_is_not_lost() {
    let mut senders = Senders::new();
    senders.other_sends(20_000);
    senders.pass(SECOND);
    senders.silent.push(&Bytes::from_static(b"it waits behind the other"));
    senders.settle();
    for second in 1..=18 {
        senders.pass(SECOND);
        senders.other_has(second * 1000);
    }
    assert!(!senders.is_lost());
    senders.silent_has(25);
    senders.pass(IDLE - SECOND);
    assert!(!senders.is_lost());
}

#[test]
fn a_body_that_is_not_answered_although_later_ones_are_is_lost() {
    let mut senders = Senders::new();
    senders.pass(SECOND);
    senders.silent.push(&Bytes::from_static(b"it is forgotten"));
    senders.settle();
    for _ in 0..8 {
        senders.pass(SECOND);
        senders.other_sends(1000);
        senders.other_has(senders.sent);
        assert!(!senders.is_lost());
    }
    senders.pass(2 * SECOND);
    assert!(senders.is_lost());
}

#[test]
fn others_that_only_give_signs_of_life_do_not_keep_a_body_that_is_forgotten() {
    let mut senders = Senders::new();
    for _ in 0..6 {
        senders.pass(2 * SECOND);
        senders.other_has(0);
    }
    assert!(senders.is_lost());
}

#[test]
fn bodies_are_lost_once_nothing_at_all_is_heard_of_their_instance() {
    let mut senders = Senders::new();
    senders.other_sends(20_000);
    senders.pass(SECOND);
    for second in 1..=12 {
        senders.pass(SECOND);
        senders.other_has(second * 1000);
    }
    senders.pass(IDLE - SECOND);
    assert!(!senders.is_lost());
    senders.pass(2 * SECOND);
    assert!(senders.is_lost());
    assert!(senders.other.outcome().is_some());
}

/// Two bodies of one instance.
struct Receivers {
    now: Instant,
    silent: Inbound,
    other: Inbound,
    budget: Budget,
    arrived: u64,
}

impl Receivers {
    fn new(instances: [u8; 2]) -> Self {
        let (now, mut budget) = (Instant::now(), budget());
        let [silent, other] = [(MESSAGE, instances[0]), (OTHER, instances[1])].map(|(it, from)| {
            let stream = StreamId { message: it, reply: false };
            let claim = budget.offer(now, &offered(&source(1, from), stream, 1000));
            let claim = claim.expect("the budget has room");
            let receiver = Receiver { port: u64::from(it.to_bytes()[0]), ..RECEIVER };
            let limits = inbound_limits();
            let mut inbound =
                Inbound::offered(now, stream, receiver, Target::Plain, None, limits, claim);
            inbound.handle_confirm(now, NONCE, &mut budget);
            inbound
        });
        Self { now, silent, other, budget, arrived: 0 }
    }

    /// Time passes, in which bytes of the other one arrive.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += SECOND;
            let stream = StreamId { message: OTHER, reply: false };
            let (offset, body) = (self.arrived, Bytes::from_static(&[7; 10]));
            let frame = Frame::Data { stream, offset, body };
            self.other.handle_frame(self.now, frame, &mut self.budget);
            self.arrived += 10;
            for body in [&mut self.silent, &mut self.other] {
                body.handle_timeout(self.now, &mut self.budget);
                while body.poll_transmit(self.now).is_some() {}
            }
        }
    }

    fn is_lost(&self) -> bool {
        self.silent.failure() == Some(&ReasonCode::Lost.into())
    }
}

#[test]
fn a_body_that_waits_behind_others_of_its_sender_is_not_lost() {
    let mut receivers = Receivers::new([1, 1]);
    receivers.pass(29);
    assert!(!receivers.is_lost());
    receivers.silent.handle_ping(receivers.now);
    receivers.pass(29);
    assert!(!receivers.is_lost());
    receivers.pass(1);
    assert!(receivers.is_lost(), "it is not kept for ever");
}

#[test]
fn a_body_is_lost_although_those_of_other_senders_arrive() {
    let mut receivers = Receivers::new([1, 2]);
    receivers.pass(9);
    assert!(!receivers.is_lost());
    receivers.pass(1);
    assert!(receivers.is_lost());
}
