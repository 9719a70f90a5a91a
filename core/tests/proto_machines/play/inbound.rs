//! The receiving half.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    InstanceId, MessageId, ServiceName, Source,
    proto::{
        Budget, BudgetLimits, Inbound, InboundLimits, Offered, Read, ReasonCode,
        frame::{Frame, Nonce, Receiver, StreamId},
    },
    transport::Target,
};

use super::input::Input;

const STREAM: StreamId = StreamId { message: MessageId::from_bytes([3; 16]), reply: false };
const RECEIVER: Receiver = Receiver { instance: InstanceId::from_bytes([4; 16]), port: 5 };
const NONCE: Nonce = Nonce::from_bytes([8; Nonce::LEN]);
const BUDGET: u64 = 6000;

/// What is known about the machine from outside.
struct Game {
    now: Instant,
    limits: InboundLimits,
    budget: Budget,
    inbound: Inbound,
    body: Vec<u8>,
    read: Vec<u8>,
    ends: Vec<(u64, u32)>,
    confirmed: bool,
    have: u64,
    credit: u64,
}

/// Plays an arbitrary sequence of packets, calls and clock steps.
pub(crate) fn inbound(moves: &[u8]) {
    let mut input = Input::new(moves);
    let Some(mut game) = Game::new(&mut input) else {
        return;
    };
    game.check();
    while !input.is_empty() {
        game.step(&mut input);
        game.check();
    }
    game.inbound.stop(ReasonCode::Dropped.into(), &mut game.budget);
    assert_eq!(game.budget.used(), 0, "everything is given back");
    game.inbound.close(&mut game.budget);
    assert!(game.budget.is_empty(), "no source is remembered");
}

impl Game {
    fn new(input: &mut Input<'_>) -> Option<Self> {
        let now = Instant::now();
        let mut body = vec![0; usize::from(input.byte()) * usize::from(input.below(16))];
        for (at, byte) in body.iter_mut().enumerate() {
            *byte = u8::try_from(at % 251).unwrap_or(0);
        }
        let limits = InboundLimits {
            initial: input.number(),
            window: input.number(),
            answer: Duration::from_secs(5),
            idle: Duration::from_secs(10),
            retry: Duration::from_millis(500),
            ack_delay: Duration::from_millis(u64::from(input.below(30))),
        };
        let length = match input.below(3) {
            0 => None,
            1 => Some(body.len() as u64),
            _ => Some(input.number()),
        };
        let (most, first) = (limits.clone(), limits.first(length));
        let mut budget = Budget::new(BudgetLimits {
            bytes: BUDGET,
            first: limits.initial.min(BUDGET),
            bodies: 1,
            bodies_per_binding: 1,
            places: 1,
            packets: 1,
        });
        let source = Source {
            service: ServiceName::new("sender").expect("the name is valid"),
            instance: InstanceId::from_bytes([9; 16]),
        };
        let is_reply = input.flag();
        let inbound = if is_reply && limits.initial < 1 << 40 {
            let claim = budget.reply(now, STREAM, &source, first);
            Inbound::reply(now, STREAM, RECEIVER, length, most.initial, most, claim)
        } else {
            let claim = budget.offer(
                now,
                &Offered {
                    stream: STREAM,
                    source: &source,
                    port: RECEIVER.port,
                    first,
                    packet: 1,
                    free_places: 1,
                    free_packets: 1,
                },
            );
            let claim = claim.ok()?;
            Inbound::offered(now, STREAM, RECEIVER, Target::Group, length, most, claim)
        };
        let confirmed = inbound.is_confirmed();
        Some(Self {
            now,
            limits,
            budget,
            inbound,
            body,
            read: Vec::new(),
            ends: Vec::new(),
            confirmed,
            have: 0,
            credit: 0,
        })
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let now = self.now;
        let budget = &mut self.budget;
        match input.below(16) {
            0..=2 => {
                let start = usize::from(input.byte()) * usize::from(input.below(16));
                let start = start.min(self.body.len());
                let size = usize::from(input.byte()) * usize::from(input.below(8));
                let end = self.body.len().min(start + size);
                let bytes = Bytes::copy_from_slice(&self.body[start..end]);
                self.inbound.handle_data(now, start as u64, bytes, budget);
            }
            3 => {
                let bytes = vec![0xee; usize::from(input.byte())];
                self.inbound.handle_data(now, input.number(), bytes.into(), budget);
            }
            4 => {
                let end = (self.body.len() as u64, crc32c::crc32c(&self.body));
                self.ends.push(end);
                self.inbound.handle_end(now, end.0, end.1, budget);
            }
            5 => {
                let end = (input.number(), u32::from(input.byte()));
                self.ends.push(end);
                self.inbound.handle_end(now, end.0, end.1, budget);
            }
            6 => {
                let news = self.inbound.handle_confirm(now, NONCE, budget);
                assert!(!(news && self.confirmed), "a handler starts once");
                self.confirmed |= news;
            }
            7 => self.inbound.handle_ping(now),
            8 => self.inbound.handle_offer(now),
            9 if input.below(8) == 0 => {
                self.inbound.handle_reset(now, ReasonCode::Gone.into(), budget);
            }
            10 if input.below(8) == 0 => {
                self.inbound.stop(ReasonCode::Dropped.into(), budget);
            }
            11 => self.now += Duration::from_millis(input.number() % 12_000),
            12 => {
                let next = self.inbound.poll_timeout();
                self.now = next.map_or(now, |next| next.max(now));
            }
            _ => self.take(),
        }
    }

    fn take(&mut self) {
        match self.inbound.read(&mut self.budget) {
            Read::Chunk(chunk) => {
                assert!(!chunk.is_empty());
                assert!(self.confirmed, "nothing is read before the confirmation");
                self.read.extend_from_slice(&chunk);
            }
            Read::End => self.check_whole(),
            Read::Failed(reason) => assert_eq!(self.inbound.failure(), Some(&reason)),
            Read::Pending => {}
        }
    }

    fn check_whole(&self) {
        let whole = (self.read.len() as u64, crc32c::crc32c(&self.read));
        assert!(self.ends.contains(&whole), "an end that nobody announced");
        assert!(self.confirmed);
    }

    fn check(&mut self) {
        self.inbound.handle_timeout(self.now, &mut self.budget);
        for count in 0.. {
            let Some(packet) = self.inbound.poll_transmit(self.now) else {
                break;
            };
            assert!(count < 2, "it never stops talking");
            self.listen(&packet);
        }
        let next = self.inbound.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a busy loop");
        self.inbound.handle_timeout(self.now, &mut self.budget);
        assert_eq!(self.inbound.poll_transmit(self.now), None);
        assert_eq!(self.inbound.poll_timeout(), next, "a spurious call");

        let charge = self.inbound.charge();
        assert_eq!(self.budget.used(), charge);
        assert!(charge <= self.limits.initial.max(self.limits.window));
        assert!(charge <= self.limits.initial.max(BUDGET));
        assert_eq!(self.inbound.is_confirmed(), self.confirmed);
        if self.inbound.is_finished() {
            assert_eq!((charge, next), (0, None));
            assert!(Frame::decode(&self.inbound.last_word()).is_ok());
        }
    }

    fn listen(&mut self, packet: &Bytes) {
        match Frame::decode(packet).expect("what is said can be read") {
            Frame::Accept { credit, .. } => {
                assert!(!self.confirmed);
                assert!(credit >= self.credit);
                self.credit = credit;
            }
            Frame::Credit { receipt, .. } => {
                let (have, credit) = (receipt.have, receipt.credit);
                assert!(have >= self.have && credit >= self.credit, "a step back");
                let length = self.ends.last().map_or(0, |end| end.0);
                assert!(have <= credit.max(length));
                (self.have, self.credit) = (have, credit);
                if receipt.done {
                    self.check_whole();
                }
            }
            Frame::Stop { reason, .. } => assert_eq!(self.inbound.failure(), Some(&reason)),
            frame => panic!("a receiver does not send {frame:?}"),
        }
    }
}
