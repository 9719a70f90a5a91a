//! The sending half of a body.

mod answers;
mod chunks;
mod flight;
mod lanes;
mod outcome;
mod peer;
mod push;
mod resumption;
mod timers;
mod transmit;
mod unproven;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use self::{
    chunks::Chunks,
    lanes::{GroupLane, PlainLane},
    peer::{Peer, PeerState},
    unproven::Unproven,
};
pub use self::{
    outcome::{GroupOutcome, Outcome, ReceiverOutcome},
    transmit::{Recipient, Transmit},
};
use super::{
    Backoff, Nonces, Reason,
    frame::{Head, Receiver, StreamId},
    paths::{Flight, Way},
};
use crate::{
    MessageId,
    address::{Target, Targets},
};

/// The limits of an [`Outbound`].
#[derive(Debug, Clone)]
pub struct OutboundLimits {
    /// How many bytes are buffered until all receivers have acknowledged them.
    pub window: u64,
    /// How many chunks are buffered, however small.
    pub chunks: usize,
    /// How long an offer waits for an answer.
    pub answer: Duration,
    /// How long a refused offer is offered again.
    pub patience: Duration,
    /// How long plain receivers may join.
    pub join: Duration,
    /// How many plain receivers to wait for, if known; no further ones can join then.
    pub expect: Option<usize>,
    /// How long a receiver may hold up others.
    pub lag: Duration,
    /// How long a receiver may be silent before it is given up as lost.
    pub idle: Duration,
    /// How long to wait for progress before sending missing packets again.
    pub retry: Duration,
}

/// The request that a streamed reply answers.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The id of the request.
    pub request: MessageId,
    /// The reader of the reply.
    pub asker: Receiver,
    /// How many bytes may be sent before the asker grants more.
    pub credit: u64,
}

/// The sending half of a body.
///
/// # Run loop
/// - Feed it the frames that arrive: [`handle_frame`](Self::handle_frame), and the broker's notices:
///   [`handle_undelivered`](Self::handle_undelivered).
/// - While [`capacity`](Self::capacity) is not zero, [`push`](Self::push) that much from the
///   producer; [`finish`](Self::finish) at its end, [`abort`](Self::abort) if it fails or the sender
///   gives up.
/// - If the transport's maximum packet length shrinks, call [`limit_chunk`](Self::limit_chunk).
/// - After any of these, and when [`Paths`](super::Paths) says so, publish what
///   [`poll_transmit`](Self::poll_transmit) returns until it returns `None`, and report offers and
///   confirmations as [`Transmit`] says. Then call [`handle_timeout`](Self::handle_timeout) at the
///   time that [`poll_timeout`](Self::poll_timeout) returns.
/// - When there is an [`outcome`](Self::outcome) and `poll_transmit` returns `None`,
///   [`close`](Self::close) it, and drop it. An accept or a credit that arrives later is answered
///   with a reset.
///
/// Every call is harmless in every state.
#[derive(Debug)]
pub struct Outbound {
    stream: StreamId,
    /// The request that it answers, if it is a reply.
    answers: Option<MessageId>,
    head: Head,
    length: Option<u64>,
    limits: OutboundLimits,
    /// The nonces of a message that is offered.
    nonces: Option<Nonces>,
    plain: PlainLane,
    group: GroupLane,
    peers: BTreeMap<Receiver, Peer>,
    unproven: Unproven,
    chunks: Chunks,
    ended: bool,
    aborted: Option<Reason>,
    /// The receiver that was served last, for taking turns.
    served: Option<Receiver>,
    say_head: bool,
    /// What it has on the way to the broker, as the paths know it.
    in_flight: Flight,
    /// Where it waits for its turn.
    waits: BTreeSet<Way>,
    /// When it asks again, without having been woken.
    asks_at: Option<Instant>,
    /// When the group was first asked, or first asked again.
    asked: Instant,
    deadline: Option<Instant>,
    backoff: Backoff,
    /// The last refusal of the group.
    refusal: Option<Reason>,
}

impl Outbound {
    /// The maximum number of receivers; further ones are ignored.
    const MAX_PEERS: usize = 4096;

    /// Creates a stream that offers a message to the bindings of a subject. If it is a request, its
    /// time left counts from `now`. A receiver has to repeat its nonce before it counts.
    #[must_use]
    pub fn offer(
        now: Instant,
        message: MessageId,
        head: Head,
        targets: Targets,
        length: Option<u64>,
        nonces: Nonces,
        limits: OutboundLimits,
    ) -> Self {
        let stream = StreamId { message, reply: false };
        let mut outbound = Self::new(now, stream, head, length, limits);
        outbound.nonces = Some(nonces);
        if targets.plain() {
            outbound.plain = PlainLane::Offering;
        }
        if targets.group() {
            outbound.group = GroupLane::Offering { since: None };
        }
        outbound
    }

    /// Creates a stream with the id `message` that answers a request.
    #[must_use]
    pub fn reply(
        now: Instant,
        message: MessageId,
        head: Head,
        asked: Asked,
        length: Option<u64>,
        limits: OutboundLimits,
    ) -> Self {
        let stream = StreamId { message, reply: true };
        let mut outbound = Self::new(now, stream, head, length, limits);
        let mut peer = Peer::new(now, Target::Plain, PeerState::Active);
        peer.allow(asked.credit);
        peer.started = true;
        peer.introduced = false;
        // The reader of a reply needs no confirmation: no handler has to start.
        peer.confirms = 1;
        outbound.peers.insert(asked.asker, peer);
        outbound.say_head = true;
        outbound.answers = Some(asked.request);
        outbound
    }

    fn new(
        now: Instant,
        stream: StreamId,
        head: Head,
        length: Option<u64>,
        limits: OutboundLimits,
    ) -> Self {
        let time_left = head.request.and_then(|request| request.time_left);
        Self {
            stream,
            answers: None,
            head,
            length,
            limits,
            nonces: None,
            plain: PlainLane::Closed,
            group: GroupLane::Absent,
            peers: BTreeMap::new(),
            unproven: Unproven::default(),
            chunks: Chunks::new(stream),
            ended: false,
            aborted: None,
            served: None,
            say_head: false,
            in_flight: Flight::default(),
            waits: BTreeSet::new(),
            asks_at: None,
            asked: now,
            deadline: time_left.and_then(|left| now.checked_add(left)),
            backoff: Backoff::default(),
            refusal: None,
        }
    }
}
