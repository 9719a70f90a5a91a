//! What a test wants to see played.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Budget, BudgetLimits, InboundLimits, OutboundLimits,
        frame::{Head, Receiver, StreamId},
    },
    transport::{Target, Targets},
};

use super::receiver::{Port, Station};

/// What a binding does with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Takes everything at once.
    Eager,
    /// Takes nothing.
    Never,
    /// Takes a byte, and the next one after so long.
    Paced(Duration),
    /// Drops the body after so many bytes.
    Drops(usize),
    /// Does not even answer the offer.
    Silent,
}

/// A binding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bind {
    pub(crate) kind: Target,
    pub(crate) reader: Reader,
    /// So many offers are refused before one is accepted.
    pub(crate) refusals: u32,
}

impl Bind {
    pub(crate) const PLAIN: Self = Self { kind: Target::Plain, reader: Reader::Eager, refusals: 0 };
    pub(crate) const GROUP: Self = Self { kind: Target::Group, ..Self::PLAIN };

    pub(crate) const fn reading(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    pub(crate) const fn refusing(self, refusals: u32) -> Self {
        Self { refusals, ..self }
    }
}

/// A sender, its body, and who listens.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) body: Bytes,
    /// The size of the pieces that the producer gives.
    pub(crate) pieces: Vec<usize>,
    /// Whether the length is known from the start.
    pub(crate) known: bool,
    /// The producer has nothing to give yet.
    pub(crate) stalled: bool,
    /// The producer fails after so many bytes.
    pub(crate) fails_at: Option<usize>,
    pub(crate) targets: Targets,
    /// The body is the answer to a request of the first station.
    pub(crate) reply: bool,
    /// The bindings of each instance.
    pub(crate) instances: Vec<Vec<Bind>>,
    pub(crate) outbound: OutboundLimits,
    pub(crate) inbound: InboundLimits,
    pub(crate) budget: u64,
}

/// The name of the request that a reply answers.
pub(crate) const REQUEST: MessageId = MessageId::from_bytes([9; 16]);
/// The name of the stream.
pub(crate) const MESSAGE: MessageId = MessageId::from_bytes([1; 16]);

impl Setup {
    pub(crate) const CHUNK: usize = 16 * 1024;
    pub(crate) const WINDOW: u64 = 1 << 20;

    /// A body of so many bytes for plain bindings, one in each of some instances.
    pub(crate) fn new(size: usize, instances: Vec<Vec<Bind>>) -> Self {
        let body: Vec<u8> =
            (0..size).map(|at| u8::try_from((at * 31 + at / 251) % 256).expect("a byte")).collect();
        Self {
            body: body.into(),
            pieces: vec![Self::CHUNK],
            known: false,
            stalled: false,
            fails_at: None,
            targets: Targets::Plain,
            reply: false,
            instances,
            outbound: OutboundLimits {
                window: Self::WINDOW,
                chunks: 1024,
                answer: Duration::from_secs(5),
                patience: Duration::from_secs(5),
                join: Duration::from_millis(250),
                expect: None,
                lag: Duration::from_secs(10),
                idle: Duration::from_secs(10),
                retry: Duration::from_millis(500),
            },
            inbound: InboundLimits {
                initial: 64 * 1024,
                window: Self::WINDOW,
                answer: Duration::from_secs(5),
                idle: Duration::from_secs(10),
                retry: Duration::from_millis(500),
                ack_delay: Duration::from_millis(20),
            },
            budget: 32 << 20,
        }
    }

    /// The answer to a request.
    pub(crate) fn reply(size: usize) -> Self {
        Self { reply: true, ..Self::new(size, vec![vec![Bind::PLAIN]]) }
    }

    pub(crate) fn stream(&self) -> StreamId {
        StreamId { message: MESSAGE, reply: self.reply }
    }

    pub(crate) fn head() -> Head {
        Head {
            source: Source {
                service: ServiceName::new("sender").expect("the name is valid"),
                instance: InstanceId::from_bytes([0xff; 16]),
            },
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: None,
        }
    }

    /// What one instance has room for.
    fn room(&self) -> BudgetLimits {
        BudgetLimits {
            bytes: self.budget,
            first: self.inbound.initial,
            bodies: 1 << 20,
            bodies_per_binding: 1 << 20,
            places: 1 << 20,
            packets: 1 << 30,
        }
    }

    /// A binding of an instance; of a reply, its reader, which is port 0.
    pub(super) fn receiver(&self, station: usize, binding: usize) -> Receiver {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&(station as u64).to_be_bytes());
        let first = u64::from(!self.reply);
        Receiver { instance: InstanceId::from_bytes(id), port: first + binding as u64 }
    }

    pub(super) fn stations(&self, now: Instant) -> Vec<Station> {
        let station = |(at, binds): (usize, &Vec<Bind>)| Station {
            instance: self.receiver(at, 0).instance,
            stream: self.stream(),
            limits: self.inbound.clone(),
            budget: Budget::new(self.room()),
            limit: self.budget.max(if self.reply { self.inbound.initial } else { 0 }),
            ports: binds
                .iter()
                .enumerate()
                .map(|(port, bind)| Port::new(now, self.receiver(at, port), *bind))
                .collect(),
            answers_after: Duration::ZERO,
            is_deaf: false,
            is_dead: false,
        };
        self.instances.iter().enumerate().map(station).collect()
    }
}
