//! The asking half of a streamed request: its body, and where that comes from.

use std::time::{Duration, Instant};

use conduit::{
    Executed, Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Nonces, Outbound, OutboundLimits, Outcome, Paths, ReasonCode, Transmit,
        frame::{Frame, Head, Receiver, Request, StreamId},
    },
    transport::{Target, Targets},
};

use super::Play;

/// Where the body of a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// How many pieces it has.
    pub(crate) pieces: u32,
    /// What passes from one to the next.
    pub(crate) pace: Duration,
    /// Its length is known from the start.
    pub(crate) is_known: bool,
    /// It fails in place of its end.
    pub(crate) fails: bool,
}

impl Body {
    const BYTES: [u8; 512] = [0x5a; 512];
    pub(super) const PIECE: u64 = Self::BYTES.len() as u64;

    pub(crate) const fn new(pieces: u32, pace: Duration) -> Self {
        Self { pieces, pace, is_known: true, fails: false }
    }

    fn length(&self) -> u64 {
        u64::from(self.pieces) * Self::PIECE
    }
}

/// A body on its way out.
#[derive(Debug)]
pub(super) struct Upload {
    outbound: Outbound,
    paths: Paths,
    source: Body,
    left: u32,
    /// When the producer has its next piece.
    next: Instant,
    has_ended: bool,
    outcome: Option<Outcome>,
    is_over: bool,
}

impl Upload {
    pub(super) const MESSAGE: MessageId = MessageId::from_bytes([9; MessageId::LEN]);
    const LIMITS: OutboundLimits = OutboundLimits {
        window: 8 * Body::PIECE,
        chunks: 64,
        answer: Duration::from_secs(5),
        patience: Duration::from_secs(5),
        join: Duration::from_millis(250),
        expect: None,
        lag: Duration::from_secs(10),
        idle: Play::LIMITS.idle,
        retry: Play::LIMITS.retry,
    };

    pub(super) fn new(
        now: Instant,
        source: Body,
        targets: Targets,
        time_left: Option<Duration>,
    ) -> Self {
        let request = Request { message: Self::MESSAGE, time_left, credit: Body::PIECE };
        let head = Head {
            source: Self::asker(),
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: Some(request),
        };
        let length = source.is_known.then(|| source.length());
        let nonces = Nonces::new([7; 16]);
        let outbound =
            Outbound::offer(now, Self::MESSAGE, head, targets, length, nonces, Self::LIMITS);
        Self {
            outbound,
            paths: Paths::default(),
            source,
            left: source.pieces,
            next: now,
            has_ended: false,
            outcome: None,
            is_over: false,
        }
    }

    /// Who asks.
    pub(super) fn asker() -> Source {
        let service = ServiceName::new("asker").expect("the name is valid");
        Source { service, instance: InstanceId::from_bytes([0xff; InstanceId::LEN]) }
    }

    /// A frame from a receiver. Returns what it is told at once, where the body has ended.
    pub(super) fn handle(&mut self, now: Instant, frame: &Frame) -> Option<(InstanceId, Frame)> {
        if self.is_over {
            return Self::tell_gone(frame);
        }
        let is_known = self.outbound.handle_frame(now, frame.clone(), &mut self.paths);
        assert!(is_known, "a receiver does not say {frame:?}");
        None
    }

    fn tell_gone(frame: &Frame) -> Option<(InstanceId, Frame)> {
        let (receiver, code) = match frame {
            Frame::Accept { receiver, .. } => (receiver, ReasonCode::Late),
            Frame::Credit { receiver, receipt, .. } if !receipt.done => {
                (receiver, ReasonCode::Gone)
            }
            _ => return None,
        };
        let stream = StreamId { message: Self::MESSAGE, reply: false };
        let reset = Frame::Reset { stream, port: Some(receiver.port), reason: code.into() };
        Some((receiver.instance, reset))
    }

    pub(super) fn handle_undelivered(&mut self, now: Instant, targets: Targets) {
        self.outbound.handle_undelivered(now, targets);
    }

    /// It is not wanted any more.
    pub(super) fn abort(&mut self) {
        self.outbound.abort(ReasonCode::Cancelled.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.source.pieces == 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether a handler may have been executed. Once it was aborted, none is confirmed any more.
    pub(super) fn executed(&self) -> Executed {
        if self.outbound.is_confirmed() { Executed::Maybe } else { Executed::No }
    }

    /// The same of the handlers of bindings of one kind.
    pub(super) fn executed_at(&self, target: Target) -> Executed {
        if self.outbound.is_confirmed_at(target) { Executed::Maybe } else { Executed::No }
    }

    /// The same of one binding.
    pub(super) fn is_confirmed(&self, receiver: Receiver) -> bool {
        let deliveries = self.outcome.iter().flat_map(|outcome| &outcome.deliveries);
        deliveries.filter(|delivery| delivery.confirmed).any(|it| it.receiver == receiver)
    }

    /// Who has read and verified all of it.
    pub(super) fn delivered(&self) -> impl Iterator<Item = Receiver> {
        let deliveries = self.outcome.iter().flat_map(|outcome| &outcome.deliveries);
        deliveries.filter(|delivery| delivery.result.is_ok()).map(|delivery| delivery.receiver)
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let waits = !self.has_ended && self.outbound.capacity() > 0;
        self.outbound.poll_timeout().into_iter().chain(waits.then_some(self.next)).min()
    }

    /// What it publishes now.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Transmit> {
        let Self { outbound, is_over, .. } = self;
        if *is_over {
            return Vec::new();
        }
        outbound.handle_timeout(now, &mut self.paths);
        self.feed(now);
        let Self { outbound, paths, .. } = self;
        let mut says: Vec<_> = std::iter::from_fn(|| outbound.poll_transmit(now, paths)).collect();
        says.retain(|transmit| {
            let receiver = transmit.confirm;
            receiver.is_none_or(|receiver| outbound.handle_confirming(receiver))
        });
        let offers = says.iter().filter_map(|transmit| transmit.offer);
        offers.for_each(|target| outbound.handle_offered(now, target));
        let next = outbound.poll_timeout();
        assert!(next.is_none_or(|at| at > now), "a busy loop: {outbound:?}");
        says
    }

    /// What has become of it, once.
    pub(super) fn poll_outcome(&mut self) -> Option<Outcome> {
        if self.is_over {
            return None;
        }
        self.outcome = self.outbound.outcome();
        self.is_over = self.outcome.is_some();
        self.outcome.clone()
    }

    /// Takes from the producer what there is room for.
    fn feed(&mut self, now: Instant) {
        let Self { outbound, source, left, next, has_ended, .. } = self;
        while !*has_ended && now >= *next && outbound.capacity() as u64 >= Body::PIECE {
            if *left > 0 {
                *left -= 1;
                outbound.push(&Body::BYTES);
                *next = now + source.pace;
                continue;
            }
            *has_ended = true;
            if source.fails {
                outbound.abort(ReasonCode::BodyFailed.into());
            } else {
                outbound.finish();
            }
        }
    }
}
