//! What is going to be sent, and what is to become of it at the other side. A seed decides.

use std::time::Duration;

use fastrand::Rng;

use crate::{limits::Limits, oracle::Place};

/// How many tasks of each instance send, one operation after the other.
pub(crate) const TASKS: usize = 2;

/// Whom something is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Two plain bindings in each instance.
    Note,
    /// Two queue bindings in each.
    Job,
    /// One of each kind in each.
    Both,
    /// Nothing is bound.
    Nobody,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Job => "job.of.many",
            Self::Both => "both",
            Self::Nobody => "nobody",
        }
    }

    pub(crate) fn has_group(self) -> bool {
        self.group() > 0
    }

    /// How many queue bindings an instance has.
    pub(crate) const fn group(self) -> usize {
        match self {
            Self::Job => 2,
            Self::Both => 1,
            Self::Note | Self::Nobody => 0,
        }
    }

    /// How many plain bindings an instance has.
    pub(crate) const fn plain(self) -> usize {
        match self {
            Self::Note => 2,
            Self::Both => 1,
            Self::Job | Self::Nobody => 0,
        }
    }
}

/// A body: how long it is, and how it comes.
#[derive(Debug, Clone)]
pub(crate) struct BodyPlan {
    pub(crate) length: usize,
    pub(crate) source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// All at once.
    Bytes,
    /// In pieces, with pauses.
    Pieces { piece: usize, pause: Duration, sized: bool },
    /// In pieces, and then it fails at its end.
    Fails { piece: usize },
}

impl BodyPlan {
    pub(crate) fn fails(&self) -> bool {
        matches!(self.source, Source::Fails { .. })
    }

    /// Whether it is surely streamed.
    pub(crate) fn is_long(&self, limits: &Limits) -> bool {
        self.length > limits.chunk
    }

    fn random(rng: &mut Rng, limits: &Limits, calm: bool) -> Self {
        let chunk = limits.chunk;
        let length = match rng.u32(..4) {
            0 => rng.usize(..=chunk),
            1 => chunk + rng.usize(..3) - 1,
            _ => rng.usize(..chunk * 12),
        };
        // A handful of pieces, of whatever size: each costs packets.
        let piece = rng.usize(1..=chunk * 3).max(length / 12);
        let pause = Duration::from_millis([0, 0, 3, 40][rng.usize(..4)]);
        let source = match rng.u32(..8) {
            0..4 => Source::Bytes,
            7 if !calm => Source::Fails { piece },
            kind => Source::Pieces { piece, pause, sized: kind == 5 },
        };
        Self { length, source }
    }
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As fast as it comes.
    Fast,
    /// With a pause after each piece.
    Slow(Duration),
    /// Dropped when so many bytes were read.
    Stops(usize),
    /// Dropped unread, after a while.
    Drops(Duration),
    /// As fast as it comes, but for one long pause after the first piece.
    Stalls(Duration),
}

impl Reader {
    fn random(rng: &mut Rng, body: &BodyPlan, limits: &Limits, calm: bool) -> Self {
        match rng.u32(..10) {
            0..=5 => Self::Fast,
            6 if !calm => Self::Stops(rng.usize(..=body.length)),
            7 if !calm => Self::Drops(Duration::from_millis(rng.u64(..500))),
            // Longer than all lag limits. Nobody waits for the reader of a short one.
            8 if !calm && body.is_long(limits) => Self::Stalls(Duration::from_secs(60)),
            _ => Self::Slow(Duration::from_millis(rng.u64(..30))),
        }
    }
}

/// What a handler does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A reply with a body of its own, after reading the request.
    Reply(BodyPlan),
    /// A reply with a body of its own, before reading the request.
    ReplyFirst(BodyPlan),
    /// Its own body, passed on.
    Echo,
    Fails,
    Panics,
    /// No reply.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) id: u64,
    /// The place in the order of its sender's task.
    pub(crate) sequence: u64,
    /// The instance and its task that sends it.
    pub(crate) from: (usize, usize),
    pub(crate) service: usize,
    pub(crate) subject: Subject,
    pub(crate) pause: Duration,
    pub(crate) body: BodyPlan,
    /// How long a header is that says nothing.
    pub(crate) padding: usize,
    pub(crate) reader: Reader,
    /// The sender gives up after this long.
    pub(crate) drop_after: Option<Duration>,
    /// A send waits for a receiver, whatever its size.
    pub(crate) confirm: bool,
    pub(crate) request: Option<RequestPlan>,
}

#[derive(Debug, Clone)]
pub(crate) struct RequestPlan {
    /// Every plain binding is asked, and the group is not.
    pub(crate) all: bool,
    pub(crate) timeout: Duration,
    /// How long the handler takes.
    pub(crate) work: Duration,
    pub(crate) answer: Answer,
    /// How the reply is read.
    pub(crate) reader: Reader,
}

impl Op {
    pub(crate) fn random(
        rng: &mut Rng,
        id: u64,
        from: (usize, usize),
        services: usize,
        limits: &Limits,
        calm: bool,
    ) -> Self {
        let body = BodyPlan::random(rng, limits, calm);
        let subject = match rng.u32(..16) {
            0..5 => Subject::Note,
            5..11 => Subject::Job,
            15 => Subject::Nobody,
            _ => Subject::Both,
        };
        let request = rng.bool().then(|| RequestPlan::random(rng, limits, calm));
        let drops = !calm && rng.u32(..8) == 0;
        Self {
            id,
            sequence: 0,
            from,
            service: rng.usize(..services),
            subject,
            pause: Duration::from_millis(rng.u64(..2_000) * rng.u64(..2)),
            reader: Reader::random(rng, &body, limits, calm),
            body,
            padding: rng.usize(..=limits.padding),
            // Often at once, when it may not even have arrived.
            drop_after: drops.then(|| Duration::from_millis(rng.u64(..1_000) * rng.u64(..2))),
            confirm: request.is_none() && rng.u32(..4) == 0,
            request,
        }
    }

    /// A request to a group with a plain binding beside it.
    pub(crate) fn beside_a_group(self) -> Option<Self> {
        let request = RequestPlan { all: false, ..self.request? };
        Some(Self { subject: Subject::Both, request: Some(request), ..self })
    }

    pub(crate) fn asks_all(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.all)
    }

    /// Whether it is for the group too.
    pub(crate) fn is_for_group(&self) -> bool {
        self.subject.has_group() && !self.asks_all()
    }

    /// Whether it surely goes out as a stream.
    pub(crate) fn is_streamed(&self, limits: &Limits) -> bool {
        self.confirm || self.body.is_long(limits)
    }

    /// How it is read at one place. Only one of an instance's readers stalls, so that others wait.
    pub(crate) fn reader_at(&self, place: Place) -> Reader {
        let is_last = !place.group && place.binding + 1 == self.subject.plain();
        match self.reader {
            Reader::Stalls(_) if !is_last => Reader::Fast,
            reader => reader,
        }
    }
}

impl RequestPlan {
    fn random(rng: &mut Rng, limits: &Limits, calm: bool) -> Self {
        let reply = BodyPlan::random(rng, limits, calm);
        let reader = Reader::random(rng, &reply, limits, calm);
        let work = [0, rng.u64(..200), if calm { 0 } else { 5_000 }];
        let answer = match rng.u32(..12) {
            0 => Answer::Fails,
            1 => Answer::Panics,
            2 => Answer::Nothing,
            3 | 4 => Answer::Echo,
            5 => Answer::ReplyFirst(reply),
            _ => Answer::Reply(reply),
        };
        let millis = if calm { 30_000 } else { [300, 5_000, 30_000][rng.usize(..3)] };
        // Where a body is sent back to somebody who reads one reply after the other, who is second
        // holds up the first.
        let waits = matches!(answer, Answer::Echo | Answer::ReplyFirst(_));
        Self {
            all: rng.u32(..6) == 0 && !(calm && waits),
            timeout: Duration::from_millis(millis),
            work: Duration::from_millis(work[rng.usize(..3)]),
            answer,
            reader,
        }
    }
}

/// What the body of an operation, or of its reply, holds.
pub(crate) fn content(id: u64, reply: bool, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Rng::with_seed(id * 2 + u64::from(reply)).fill(&mut bytes);
    bytes
}
