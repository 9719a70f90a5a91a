//! The driver of receiving halves: an instance, its bindings and their readers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    InstanceId,
    proto::{
        Budget, Inbound, InboundLimits, Offered, Read, Reason, ReasonCode,
        frame::{Frame, Receiver, StreamId},
    },
    transport::Target,
};

use super::setup::{Bind, Reader, Setup};

/// One instance.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) instance: InstanceId,
    pub(crate) stream: StreamId,
    pub(crate) limits: InboundLimits,
    pub(crate) budget: Budget,
    /// What may be charged: the budget, or what was promised to a reply.
    pub(crate) limit: u64,
    pub(crate) ports: Vec<Port>,
    /// How long an offer takes to be seen.
    pub(crate) answers_after: Duration,
    /// It hears nothing of what goes to all bindings but offers.
    pub(crate) is_deaf: bool,
    /// Its process is frozen.
    pub(crate) is_dead: bool,
}

/// One binding, the body it receives, and what its reader saw.
#[derive(Debug)]
pub(crate) struct Port {
    receiver: Receiver,
    bind: Bind,
    pub(crate) inbound: Option<Inbound>,
    last_word: Option<Bytes>,
    /// How often a handler was started.
    pub(crate) started: u32,
    /// How many bytes the reader has, all of them right.
    pub(crate) received: usize,
    /// What the reader saw last, if it is over.
    pub(crate) end: Option<Result<(), Reason>>,
    next_read: Instant,
    pace: Option<Duration>,
}

impl Port {
    pub(super) fn new(now: Instant, receiver: Receiver, bind: Bind) -> Self {
        Self {
            receiver,
            bind,
            inbound: None,
            last_word: None,
            started: 0,
            received: 0,
            end: None,
            next_read: now,
            pace: match bind.reader {
                Reader::Paced(pace) => Some(pace),
                _ => None,
            },
        }
    }

    pub(super) fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// How it is bound.
    pub(super) fn kind(&self) -> Target {
        self.bind.kind
    }

    /// The reader goes on at full speed.
    pub(crate) fn read_on(&mut self) {
        self.bind.reader = Reader::Eager;
        self.pace = None;
    }

    fn read(&mut self, now: Instant, budget: &mut Budget, body: &Bytes) {
        let Some(inbound) = &mut self.inbound else {
            return;
        };
        while self.started > 0 && self.end.is_none() && self.bind.reader != Reader::Never {
            if self.pace.is_some() && now < self.next_read {
                return;
            }
            if let Reader::Drops(after) = self.bind.reader
                && self.received >= after
            {
                inbound.stop(ReasonCode::Dropped.into(), budget);
            }
            match inbound.read(budget) {
                Read::Pending => return,
                Read::End => self.end = Some(Ok(())),
                Read::Failed(reason) => self.end = Some(Err(reason)),
                Read::Chunk(chunk) => {
                    assert!(!chunk.is_empty(), "an empty chunk");
                    let end = self.received + chunk.len();
                    assert_eq!(chunk, body[self.received..end], "wrong bytes");
                    self.received = end;
                    if let Some(pace) = self.pace {
                        let size = u32::try_from(chunk.len()).expect("chunks are small");
                        self.next_read = now + pace * size;
                    }
                }
            }
        }
    }

    fn next_time(&self, now: Instant) -> Option<Instant> {
        let inbound = self.inbound.as_ref()?;
        let reads = self.pace.is_some() && self.end.is_none() && self.next_read > now;
        let read = reads.then_some(self.next_read);
        inbound.poll_timeout().into_iter().chain(read).min()
    }
}

impl Station {
    pub(super) fn listens(&self, target: Target) -> bool {
        self.ports.iter().any(|port| port.bind.kind == target)
    }

    pub(super) fn next_time(&self, now: Instant) -> Option<Instant> {
        let ports = self.ports.iter().filter(|_| !self.is_dead);
        ports.filter_map(|port| port.next_time(now)).min()
    }

    /// Handles a packet and returns what is answered at once.
    pub(super) fn handle(&mut self, now: Instant, frame: Frame, body: &Bytes) -> Vec<Bytes> {
        let mut words = Vec::new();
        if self.is_dead {
            return words;
        }
        match frame {
            Frame::Offer { target, length, .. } => {
                words.extend(self.offer(now, target, length));
            }
            Frame::ReplyStream { length, .. } => self.reply(now, length),
            frame => {
                let Self { ports, budget, .. } = self;
                for port in ports {
                    words.extend(port.handle(now, &frame, budget));
                    port.read(now, budget, body);
                }
            }
        }
        words
    }

    fn offer(&mut self, now: Instant, target: Target, length: Option<u64>) -> Vec<Bytes> {
        let most = if target == Target::Group { 1 } else { usize::MAX };
        let mut words = Vec::new();
        let listening = self.ports.iter_mut().filter(|port| port.bind.kind == target);
        for port in listening.take(most) {
            // A group's member refuses for all its bindings: one that takes the offer later must not
            // seem to give it back when the refusal comes late.
            let refuses = match target {
                Target::Plain => port.receiver,
                Target::Group => Receiver { port: 0, ..port.receiver },
            };
            let stop = Frame::Stop {
                stream: self.stream,
                receiver: refuses,
                target,
                reason: Reason::new(ReasonCode::Overloaded, "not now"),
            };
            if let Some(word) = &port.last_word {
                words.push(word.clone());
            } else if let Some(inbound) = &mut port.inbound {
                inbound.handle_offer(now);
            } else if port.bind.reader == Reader::Silent {
                continue;
            } else if port.bind.refusals > 0 {
                port.bind.refusals -= 1;
                words.push(stop.encode());
            } else {
                let limits = self.limits.clone();
                let (stream, receiver) = (self.stream, port.receiver);
                let claim = self.budget.offer(
                    now,
                    &Offered {
                        stream,
                        source: &Setup::head().source,
                        port: receiver.port,
                        first: limits.first(length),
                        packet: 100,
                        free_places: 1 << 40,
                        free_packets: 1 << 40,
                    },
                );
                match claim {
                    Ok(claim) => {
                        let offered =
                            Inbound::offered(now, stream, receiver, target, length, limits, claim);
                        port.inbound = Some(offered);
                    }
                    Err(_) => words.push(stop.encode()),
                }
            }
        }
        words
    }

    fn reply(&mut self, now: Instant, length: Option<u64>) {
        let port = &mut self.ports[0];
        if let Some(inbound) = &mut port.inbound {
            inbound.handle_offer(now);
        } else if port.last_word.is_none() {
            let (stream, receiver) = (self.stream, port.receiver);
            let limits = self.limits.clone();
            let source = Setup::head().source;
            let claim = self.budget.reply(now, stream, &source, limits.first(length));
            let inbound =
                Inbound::reply(now, stream, receiver, length, limits.initial, limits, claim);
            port.inbound = Some(inbound);
            port.started = 1;
        }
    }

    pub(super) fn settle(&mut self, now: Instant, body: &Bytes) -> Vec<Bytes> {
        let mut packets = Vec::new();
        if self.is_dead {
            return packets;
        }
        let Self { ports, budget, limits, .. } = self;
        let mut charged = 0;
        for port in ports {
            if let Some(inbound) = &mut port.inbound {
                inbound.handle_timeout(now, budget);
            }
            port.read(now, budget, body);
            let Some(inbound) = &mut port.inbound else {
                continue;
            };
            packets.extend(std::iter::from_fn(|| inbound.poll_transmit(now)));
            let next = inbound.poll_timeout();
            assert!(next.is_none_or(|at| at > now), "a busy loop: {inbound:?}");
            let most = limits.window.max(limits.initial);
            assert!(inbound.charge() <= most, "too much is charged");
            charged += inbound.charge();
            if inbound.is_finished()
                && (port.end.is_some() || port.started == 0 || inbound.failure().is_some())
            {
                port.end = port.end.take().or_else(|| inbound.failure().cloned().map(Err));
                port.last_word = Some(inbound.last_word());
                inbound.close(budget);
                port.inbound = None;
            }
        }
        assert!(self.budget.used() <= self.limit, "the budget is exceeded");
        assert_eq!(self.budget.used(), charged, "the budget's sum is wrong");
        packets
    }
}

impl Port {
    /// Handles a packet of the body.
    fn handle(&mut self, now: Instant, frame: &Frame, budget: &mut Budget) -> Option<Bytes> {
        let mine = match frame {
            Frame::Confirm { port, .. } => *port == self.receiver.port,
            Frame::Reset { port, .. } => port.is_none_or(|port| port == self.receiver.port),
            _ => true,
        };
        let Some(inbound) = self.inbound.as_mut().filter(|_| mine) else {
            let to_answer = mine && !matches!(frame, Frame::Reset { .. });
            return self.last_word.clone().filter(|_| to_answer);
        };
        let was_undecided = inbound.is_undecided();
        let is_known = inbound.handle_frame(now, frame.clone(), budget);
        assert!(is_known, "a sender does not send {frame:?}");
        if was_undecided && inbound.is_confirmed() {
            self.started += 1;
        }
        None
    }
}
