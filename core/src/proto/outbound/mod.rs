//! The sending half of a body.

mod answers;
mod chunks;
mod lanes;
mod outcome;
mod peer;
mod source;
mod timers;
mod transmit;
mod unproven;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use self::{
    chunks::Chunks,
    lanes::{GroupLane, PlainLane},
    peer::{Peer, PeerState},
    unproven::Unproven,
};
pub use self::{
    outcome::{Delivery, GroupOutcome, Outcome},
    transmit::{Recipient, Transmit},
};
use super::{
    Backoff, Nonces, Reason,
    frame::{Head, Receiver, StreamId},
};
use crate::{
    MessageId,
    address::{Target, Targets},
};

/// The limits of an [`Outbound`].
#[derive(Debug, Clone)]
pub struct OutboundLimits {
    /// Bytes that are kept because a receiver may lack them.
    pub window: u64,
    /// Pieces that are kept, however small.
    pub chunks: usize,
    /// How long an offer waits for an answer.
    pub answer: Duration,
    /// How long a refused offer is offered again.
    pub patience: Duration,
    /// How long plain receivers may join.
    pub join: Duration,
    /// How many plain receivers to wait for, where that is known: no more can join then.
    pub expect: Option<usize>,
    /// For how long a receiver may hold up others.
    pub lag: Duration,
    /// After this long without a sign of life a receiver is given up.
    pub idle: Duration,
    /// After this long without progress, what is missing is sent again.
    pub retry: Duration,
}

/// A request, as its answer sees it.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Its name.
    pub request: MessageId,
    /// Who reads the answer.
    pub asker: Receiver,
    /// How many bytes may be sent at once.
    pub credit: u64,
}

/// The sending half of a body.
///
/// # Run loop
/// - Feed it what arrives: [`handle_accept`](Self::handle_accept), [`handle_credit`](Self::handle_credit),
///   [`handle_stop`](Self::handle_stop), [`handle_undelivered`](Self::handle_undelivered).
/// - While [`capacity`](Self::capacity) is not zero, [`push`](Self::push) that much from the source;
///   [`finish`](Self::finish) at its end, [`abort`](Self::abort) if it fails or the sender gives up.
/// - Where the transport comes to take less than it did, [`limit_chunk`](Self::limit_chunk).
/// - After any of these, publish what [`poll_transmit`](Self::poll_transmit) yields until it yields
///   nothing, and say so of an offer and of a confirmation ([`Transmit`]). Then call [`handle_timeout`](Self::handle_timeout) at the time that
///   [`poll_timeout`](Self::poll_timeout) then says.
/// - When there is an [`outcome`](Self::outcome) and `poll_transmit` yields nothing, forget it. An
///   accept or a credit that comes later is answered with a reset.
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
    /// Of a message that is offered.
    nonces: Option<Nonces>,
    plain: PlainLane,
    group: GroupLane,
    peers: BTreeMap<Receiver, Peer>,
    unproven: Unproven,
    chunks: Chunks,
    ended: bool,
    aborted: Option<Reason>,
    /// Who was served last, so that the next one is next.
    served: Option<Receiver>,
    say_head: bool,
    /// Since when the group is asked to take it, or to take it once more.
    asked: Instant,
    deadline: Option<Instant>,
    backoff: Backoff,
    /// What the group said last, if it has refused.
    refusal: Option<Reason>,
}

impl Outbound {
    /// The most receivers that are remembered; what is beyond is ignored.
    const MAX_PEERS: usize = 4096;

    /// Offers a message to the bindings of a subject. Where the head asks something, its time left
    /// counts from `now`. A receiver has to repeat its nonce before it counts as one.
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

    /// Answers a request with a stream that is named `message`.
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
        // Whoever asked reads the answer: nothing has to start.
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
            asked: now,
            deadline: time_left.and_then(|left| now.checked_add(left)),
            backoff: Backoff::default(),
            refusal: None,
        }
    }
}
