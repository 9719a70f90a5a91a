//! The sending half.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Asked, Nonces, Outbound, OutboundLimits, Paths, ReasonCode, Recipient, Transmit,
        frame::{Frame, Head, Nonce, Receipt, Receiver},
    },
    transport::{Target, Targets},
};

use super::input::Input;

const MESSAGE: MessageId = MessageId::from_bytes([3; 16]);

/// What is known about the machine from outside.
struct Game {
    now: Instant,
    limits: OutboundLimits,
    outbound: Outbound,
    paths: Paths,
    given: Vec<u8>,
    ended: bool,
    /// The most that each receiver granted.
    credit: BTreeMap<Receiver, u64>,
    /// What each receiver was confirmed with.
    nonces: BTreeMap<Receiver, Nonce>,
    /// Who said that it has everything, when there was everything to have.
    done: Vec<Receiver>,
}

/// Plays an arbitrary sequence of packets, calls and clock steps.
pub(crate) fn outbound(moves: &[u8]) {
    let mut input = Input::new(moves);
    let mut game = Game::new(&mut input);
    game.check();
    while !input.is_empty() {
        game.step(&mut input);
        game.check();
    }
    game.outbound.abort(ReasonCode::Cancelled.into());
    game.check();
    assert!(game.outbound.outcome().is_some(), "giving up ends it");
    assert_eq!(game.outbound.held(), 0);
}

fn receiver(input: &mut Input<'_>) -> Receiver {
    Receiver {
        instance: InstanceId::from_bytes([input.below(3); 16]),
        port: 1 + u64::from(input.below(2)),
    }
}

fn target(input: &mut Input<'_>) -> Target {
    [Target::Plain, Target::Group][usize::from(input.below(2))]
}

impl Game {
    fn new(input: &mut Input<'_>) -> Self {
        let now = Instant::now();
        let head = Head {
            source: Source {
                service: ServiceName::new("s").expect("the name is valid"),
                instance: InstanceId::from_bytes([9; 16]),
            },
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: None,
        };
        let limits = OutboundLimits {
            window: input.number() % 10_000,
            chunks: usize::from(input.byte()),
            answer: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            join: Duration::from_millis(250),
            expect: input.flag().then_some(2),
            lag: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            retry: Duration::from_millis(500),
        };
        let length = input.flag().then_some(1000);
        let targets = [Targets::Plain, Targets::Group, Targets::Both];
        let most = limits.clone();
        let mut credit = BTreeMap::new();
        let outbound = match input.below(4) {
            3 => {
                let (asker, granted) = (receiver(input), input.number());
                credit.insert(asker, granted);
                let asked = Asked { request: MESSAGE, asker, credit: granted };
                Outbound::reply(now, MESSAGE, head, asked, length, most)
            }
            at => {
                let (targets, nonces) = (targets[usize::from(at)], Nonces::new([7; 16]));
                Outbound::offer(now, MESSAGE, head, targets, length, nonces, most)
            }
        };
        Self {
            now,
            limits,
            outbound,
            paths: Paths::default(),
            given: Vec::new(),
            ended: false,
            credit,
            nonces: BTreeMap::new(),
            done: Vec::new(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let now = self.now;
        match input.below(16) {
            0 | 1 => {
                let (from, target) = (receiver(input), target(input));
                let credit = input.number();
                self.grant(from, credit);
                self.outbound.handle_accept(now, from, target, credit);
            }
            2 | 3 => {
                let from = receiver(input);
                let (have, credit, done) = (input.number(), input.number(), input.flag());
                self.credit(from, have, credit, done);
            }
            4 => {
                let from = receiver(input);
                let all = self.given.len() as u64;
                self.credit(from, all, all.saturating_add(input.number()), input.flag());
            }
            5 if input.below(4) == 0 => {
                let (from, target) = (receiver(input), target(input));
                let reason = ReasonCode::Overloaded.into();
                self.outbound.handle_stop(now, from, target, reason);
            }
            6 if input.below(4) == 0 => {
                self.outbound.handle_undelivered(now, target(input).into());
            }
            7 => self.outbound.handle_offered(now, target(input)),
            8 if input.below(4) == 0 => {
                self.outbound.finish();
                self.ended = true;
            }
            9 if input.below(16) == 0 => {
                self.outbound.abort(ReasonCode::BodyFailed.into());
                self.ended = true;
            }
            10 => self.now += Duration::from_millis(input.number() % 12_000),
            11 => {
                let next = self.outbound.poll_timeout();
                self.now = next.map_or(now, |next| next.max(now));
            }
            12 => self.push(1),
            _ => {
                let size = usize::from(input.byte()) * 16;
                self.push(size);
            }
        }
    }

    fn push(&mut self, size: usize) {
        let size = size.min(self.outbound.capacity());
        let start = self.given.len();
        let bytes = (start..start + size).map(|at| u8::try_from(at % 253).unwrap_or(0));
        let bytes: Bytes = bytes.collect();
        assert!(size == 0 || !self.ended, "nothing is taken after the end");
        self.given.extend_from_slice(&bytes);
        self.outbound.push(&bytes);
    }

    fn grant(&mut self, from: Receiver, credit: u64) {
        let most = self.credit.entry(from).or_default();
        *most = credit.max(*most);
    }

    fn credit(&mut self, from: Receiver, have: u64, credit: u64, done: bool) {
        self.grant(from, credit);
        if done && self.ended && have == self.given.len() as u64 {
            self.done.push(from);
        }
        let nonce = self.nonces.get(&from).copied();
        let receipt = Receipt { have, credit, started: have % 4 != 1, done, nonce };
        self.outbound.handle_credit(self.now, from, &receipt);
    }

    fn check(&mut self) {
        self.outbound.handle_timeout(self.now, &mut self.paths);
        for count in 0.. {
            let Some(transmit) = self.outbound.poll_transmit(self.now, &mut self.paths) else {
                break;
            };
            assert!(count < 10_000, "it never stops talking");
            self.listen(&transmit);
        }
        let next = self.outbound.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a busy loop");
        self.outbound.handle_timeout(self.now, &mut self.paths);
        assert_eq!(self.outbound.poll_transmit(self.now, &mut self.paths), None);
        assert_eq!(self.outbound.poll_timeout(), next, "a spurious call");

        assert!(self.outbound.held() <= self.limits.window);
        let Some(outcome) = self.outbound.outcome() else {
            return;
        };
        assert_eq!((next, self.outbound.held()), (None, 0), "it is over");
        for delivery in outcome.deliveries {
            assert!(delivery.result.is_err() || self.done.contains(&delivery.receiver));
        }
    }

    fn listen(&mut self, transmit: &Transmit) {
        let frame = Frame::decode(&transmit.packet).expect("what is said can be read");
        let is_offer = matches!(frame, Frame::Offer { .. });
        assert_eq!(transmit.offer.is_some(), is_offer);
        match frame {
            Frame::Data { offset, body, .. } => {
                let start = usize::try_from(offset).expect("it is small");
                assert_eq!(body, self.given[start..start + body.len()]);
                let end = offset + body.len() as u64;
                let granted = |(receiver, credit): (&Receiver, &u64)| {
                    let to = transmit.to;
                    let reached = match to {
                        Recipient::Inbox(instance) => instance == receiver.instance,
                        Recipient::Bindings(_) => true,
                    };
                    reached && end <= *credit
                };
                assert!(self.credit.iter().any(granted), "more than was granted");
            }
            Frame::End { length, checksum, .. } => {
                assert!(self.ended);
                assert_eq!(length, self.given.len() as u64);
                assert_eq!(checksum, crc32c::crc32c(&self.given));
            }
            Frame::Confirm { port, nonce, .. } => {
                let Recipient::Inbox(instance) = transmit.to else {
                    panic!("a confirmation is for one");
                };
                let known = self.nonces.insert(Receiver { instance, port }, nonce);
                assert!(known.is_none_or(|known| known == nonce));
            }
            Frame::Offer { .. }
            | Frame::Ping { .. }
            | Frame::Reset { .. }
            | Frame::ReplyStream { .. } => {}
            frame => panic!("a sender does not send {frame:?}"),
        }
    }
}
