//! An instance whose bindings are offered a request with a streamed body.

use std::time::{Duration, Instant};

use conduit::{
    InstanceId,
    proto::{
        Budget, BudgetLimits, Inbound, InboundLimits, Offered, ReasonCode,
        frame::{Frame, Receiver, StreamId},
    },
    transport::Target,
};

use super::{
    Packet, Play,
    reading::{Handling, Taken},
    station::Bind,
    upload::{Body, Upload},
};

/// The bindings of an instance, and what they were offered.
#[derive(Debug)]
pub(super) struct Streamed {
    ports: Vec<Port>,
    budget: Budget,
    is_cancelled: bool,
}

/// A binding, and the request there.
#[derive(Debug)]
pub(super) struct Port {
    receiver: Receiver,
    bind: Bind,
    state: State,
    /// How far its handler came.
    pub(super) handling: Handling,
}

#[derive(Debug)]
enum State {
    Free,
    Open(Box<Taken>),
    /// It has ended, with these words.
    Over(Frame),
    /// Its process has ended.
    Dead,
}

impl Port {
    pub(super) fn receiver(&self) -> Receiver {
        self.receiver
    }

    pub(super) fn target(&self) -> Target {
        self.bind.target
    }

    fn inbound(&mut self) -> Option<&mut Inbound> {
        match &mut self.state {
            State::Open(taken) => Some(&mut taken.inbound),
            _ => None,
        }
    }
}

impl Streamed {
    const LIMITS: InboundLimits = InboundLimits {
        initial: 2 * Body::PIECE,
        window: 8 * Body::PIECE,
        answer: Play::LIMITS.answer,
        idle: Play::LIMITS.idle,
        retry: Play::LIMITS.retry,
        ack_delay: Duration::from_millis(25),
    };

    pub(super) fn new(instance: InstanceId, binds: &[Bind]) -> Self {
        let budget = Budget::new(BudgetLimits {
            bytes: 1 << 20,
            first: Self::LIMITS.initial,
            bodies: 1 << 10,
            bodies_per_binding: 1 << 10,
            places: 1 << 10,
            packets: 1 << 20,
        });
        let port = |(port, bind): (u64, &Bind)| Port {
            receiver: Receiver { instance, port },
            bind: *bind,
            state: State::Free,
            handling: Handling::default(),
        };
        Self { ports: (1..).zip(binds).map(port).collect(), budget, is_cancelled: false }
    }

    pub(super) fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Whether nothing is left of the request, dead processes apart.
    pub(super) fn is_over(&self) -> bool {
        let is_open = |port: &Port| matches!(port.state, State::Open(_));
        self.budget.is_empty() && !self.ports.iter().any(is_open)
    }

    /// It does not need to answer.
    pub(super) fn cancel(&mut self) {
        self.is_cancelled = true;
        for port in &mut self.ports {
            if let State::Open(taken) = &mut port.state {
                taken.cancel();
            }
        }
    }

    /// A frame of the asker. Returns what it is told at once.
    pub(super) fn handle(&mut self, now: Instant, frame: &Frame) -> Vec<Packet> {
        if let Frame::Offer { target, length, .. } = frame {
            return self.take(now, *target, *length);
        }
        let Self { ports, budget, .. } = self;
        let words = ports.iter_mut().filter_map(|port| port.handle(now, frame, budget));
        words.map(Packet::ToAsker).collect()
    }

    /// An offer: for each plain binding, or for one of the group.
    fn take(&mut self, now: Instant, target: Target, length: Option<u64>) -> Vec<Packet> {
        let Self { ports, budget, is_cancelled } = self;
        let mut ports: Vec<_> =
            ports.iter_mut().filter(|port| port.bind.target == target).collect();
        if target == Target::Plain {
            let mut offer = |port: &mut Port| match port.refusal() {
                None => port.offer(now, length, budget, *is_cancelled),
                // It decides once.
                Some(stop) => {
                    port.state = State::Over(stop.clone());
                    Some(stop)
                }
            };
            return ports.into_iter().filter_map(|port| offer(port).map(Packet::ToAsker)).collect();
        }
        // One that already has it comes first.
        ports.sort_by_key(|port| matches!(port.state, State::Free));
        let mut word = None;
        for port in ports {
            word = port.refusal();
            if word.is_none() {
                word = port.offer(now, length, budget, *is_cancelled);
                break;
            }
        }
        word.into_iter().map(Packet::ToAsker).collect()
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        let next = |port: &Port| match &port.state {
            State::Open(taken) => taken.next_time(),
            _ => None,
        };
        self.ports.iter().filter_map(next).min()
    }

    /// What it says by itself.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Packet> {
        let Self { ports, budget, .. } = self;
        let mut says = Vec::new();
        for port in ports {
            let State::Open(taken) = &mut port.state else { continue };
            let lives = taken.settle(now, port.bind, &mut port.handling, budget, &mut says);
            if !lives {
                taken.inbound.close(budget);
                port.state = State::Dead;
            } else if taken.is_over() {
                let last_word = Frame::decode(&taken.inbound.last_word());
                taken.inbound.close(budget);
                port.state = State::Over(last_word.expect("what is said can be read"));
            }
        }
        says
    }
}

impl Port {
    /// Refuses an offer, if it does.
    fn refusal(&mut self) -> Option<Frame> {
        if self.bind.refusals == 0 || !matches!(self.state, State::Free) {
            return None;
        }
        self.bind.refusals -= 1;
        let target = self.bind.target;
        // A member of the group refuses for all its bindings.
        let port = if target == Target::Group { 0 } else { self.receiver.port };
        let receiver = Receiver { port, ..self.receiver };
        let reason = ReasonCode::Overloaded.into();
        Some(Frame::Stop { stream: Self::stream(), receiver, target, reason })
    }

    /// Takes an offer, or says again what it said of it.
    fn offer(
        &mut self,
        now: Instant,
        length: Option<u64>,
        budget: &mut Budget,
        is_cancelled: bool,
    ) -> Option<Frame> {
        match &mut self.state {
            State::Dead => return None,
            State::Over(word) => return Some(word.clone()),
            State::Open(taken) => {
                taken.inbound.handle_offer(now);
                return None;
            }
            State::Free => {}
        }
        let (stream, target) = (Self::stream(), self.bind.target);
        let (limits, receiver) = (Streamed::LIMITS, self.receiver);
        let offered = Offered {
            stream,
            source: &Upload::asker(),
            port: receiver.port,
            first: limits.first(length),
            packet: 100,
            free_places: 1 << 10,
            free_packets: 1 << 20,
        };
        let claim = budget.offer(now, &offered).expect("there is room");
        let inbound = Inbound::offered(now, stream, receiver, target, length, limits, claim);
        let mut taken = Taken::new(now, inbound, receiver.instance, target, length);
        if is_cancelled {
            taken.cancel();
        }
        self.state = State::Open(Box::new(taken));
        None
    }

    fn stream() -> StreamId {
        StreamId { message: Upload::MESSAGE, reply: false }
    }

    /// A packet of the body. Returns the last word, where that answers it.
    fn handle(&mut self, now: Instant, frame: &Frame, budget: &mut Budget) -> Option<Frame> {
        let is_mine = match frame {
            Frame::Confirm { port, .. } => *port == self.receiver.port,
            Frame::Reset { port, .. } => port.is_none_or(|port| port == self.receiver.port),
            _ => true,
        };
        if !is_mine {
            return None;
        }
        if let State::Over(word) = &self.state {
            let is_answered = !matches!(frame, Frame::Reset { .. } | Frame::Data { .. });
            return is_answered.then(|| word.clone());
        }
        let is_known = self.inbound()?.handle_frame(now, frame.clone(), budget);
        assert!(is_known, "an asker does not say {frame:?}");
        None
    }
}
