//! The sending half of a body.

mod chunks;
mod lanes;
mod outcome;
mod peer;

mod transmit;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::{
    chunks::Chunks,
    lanes::{GroupLane, PlainLane},
    peer::{Peer, PeerState},
};
pub use self::{
    outcome::{Delivery, GroupOutcome, Outcome},
    transmit::{Destination, Transmit},
};
use super::{
    Reason, ReasonCode,
    frame::{Head, Receiver, StreamId},
};
use crate::{
    MessageId,
    transport::{Target, Targets},
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

/// The sending half of a body.
///
/// # Run loop
/// - Feed it what arrives: [`handle_accept`](Self::handle_accept), [`handle_credit`](Self::handle_credit),
///   [`handle_stop`](Self::handle_stop), [`handle_undelivered`](Self::handle_undelivered).
/// - While [`capacity`](Self::capacity) is not zero, [`push`](Self::push) that much from the source;
///   [`finish`](Self::finish) at its end, [`abort`](Self::abort) if it fails or the sender gives up.
/// - After any of these, publish what [`poll_transmit`](Self::poll_transmit) yields until it yields
///   nothing, and call [`handle_timeout`](Self::handle_timeout) at the time that
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
    plain: PlainLane,
    group: GroupLane,
    peers: BTreeMap<Receiver, Peer>,
    chunks: Chunks,
    ended: bool,
    aborted: Option<Reason>,
    /// Who was served last, so that the next one is next.
    served: Option<Receiver>,
    say_head: bool,
    started: Instant,
    deadline: Option<Instant>,
    refusals: u32,
}

impl Outbound {
    /// The most receivers that are remembered; what is beyond is ignored.
    const MAX_PEERS: usize = 4096;

    /// Offers a message to the bindings of a subject. Where the head asks something, its time left
    /// counts from `now`.
    #[must_use]
    pub fn offer(
        now: Instant,
        message: MessageId,
        head: Head,
        targets: Targets,
        length: Option<u64>,
        limits: OutboundLimits,
    ) -> Self {
        let stream = StreamId {
            message,
            reply: false,
        };
        let mut outbound = Self::new(now, stream, head, length, limits);
        if targets.plain() {
            outbound.plain = PlainLane::Offering;
        }
        if targets.group() {
            outbound.group = GroupLane::Offering { since: None };
        }
        outbound
    }

    /// Answers a request, whose asker granted `credit` bytes, with a stream that is named
    /// `message`.
    #[must_use]
    #[allow(clippy::too_many_arguments)]
    pub fn reply(
        now: Instant,
        request: MessageId,
        message: MessageId,
        head: Head,
        asker: Receiver,
        credit: u64,
        length: Option<u64>,
        limits: OutboundLimits,
    ) -> Self {
        let stream = StreamId {
            message,
            reply: true,
        };
        let mut outbound = Self::new(now, stream, head, length, limits);
        let mut peer = Peer::new(now, Target::Plain, PeerState::Active);
        peer.credit = credit;
        outbound.peers.insert(asker, peer);
        outbound.say_head = true;
        outbound.answers = Some(request);
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
            plain: PlainLane::Closed,
            group: GroupLane::Absent,
            peers: BTreeMap::new(),
            chunks: Chunks::new(stream),
            ended: false,
            aborted: None,
            served: None,
            say_head: false,
            started: now,
            deadline: time_left.map(|left| now + left),
            refusals: 0,
        }
    }

    /// How many bytes may be pushed now.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let kept = self.chunks.written() - self.chunks.base();
        let idle = !self.peers.values().any(Peer::is_active);
        if self.ended || idle || self.chunks.count() >= self.limits.chunks {
            return 0;
        }
        usize::try_from(self.limits.window.saturating_sub(kept)).unwrap_or(usize::MAX)
    }

    /// The next bytes of the source.
    pub fn push(&mut self, bytes: &Bytes) {
        if !self.ended && !bytes.is_empty() {
            self.chunks.push(bytes);
        }
    }

    /// The source has no more bytes.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The source failed, or the sender gave up.
    pub fn abort(&mut self, reason: Reason) {
        if self.aborted.is_some() || self.outcome().is_some() {
            return;
        }
        self.ended = true;
        for peer in self.peers.values_mut() {
            peer.fail(reason.clone(), true);
        }
        self.plain = PlainLane::Closed;
        if self.group.is_open() {
            self.group = GroupLane::Absent;
        }
        self.aborted = Some(reason);
        self.chunks.clear();
    }

    /// An offer is on its way: from now on, answers are waited for.
    pub fn handle_offered(&mut self, now: Instant, target: Target) {
        match (target, &self.group) {
            (Target::Plain, _) if self.plain == PlainLane::Sending => {
                self.plain = PlainLane::Joining(now + self.limits.join);
            }
            (Target::Group, GroupLane::Sending { since }) => {
                let since = since.unwrap_or(now);
                self.group = GroupLane::Offered {
                    since,
                    again: now + self.limits.retry,
                };
            }
            _ => {}
        }
    }

    /// A receiver takes the offer.
    pub fn handle_accept(&mut self, now: Instant, from: Receiver, target: Target, credit: u64) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.hear(now, 0, credit);
            match &peer.state {
                PeerState::Active => peer.say_confirm = true,
                PeerState::Failed(reason) => peer.say_reset = Some(reason.clone()),
                PeerState::Declined => peer.say_reset = Some(ReasonCode::Taken.into()),
                PeerState::Done => {}
            }
            return;
        }
        if self.peers.len() >= Self::MAX_PEERS {
            return;
        }
        let turned_away = match target {
            Target::Plain if self.plain.is_open() => None,
            Target::Group if self.group.is_open() => None,
            Target::Plain => Some(PeerState::Failed(ReasonCode::Late.into())),
            Target::Group => Some(PeerState::Declined),
        };
        let state = turned_away.unwrap_or(PeerState::Active);
        let mut peer = Peer::new(now, target, state);
        peer.credit = credit;
        peer.say_confirm = peer.is_active();
        peer.say_reset = match &peer.state {
            PeerState::Failed(reason) => Some(reason.clone()),
            PeerState::Declined => Some(ReasonCode::Taken.into()),
            PeerState::Active | PeerState::Done => None,
        };
        if target == Target::Group && peer.is_active() {
            self.group = GroupLane::Accepted(from);
        }
        self.peers.insert(from, peer);
        self.close_if_all_joined();
        self.settle(now);
    }

    /// A receiver says how far it has the body and how far it may be sent, and whether it has
    /// verified everything.
    pub fn handle_credit(
        &mut self,
        now: Instant,
        from: Receiver,
        have: u64,
        credit: u64,
        done: bool,
    ) {
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        match &peer.state {
            PeerState::Active => {}
            PeerState::Failed(reason) => {
                peer.say_reset = Some(reason.clone());
                return;
            }
            PeerState::Done | PeerState::Declined => return,
        }
        // It cannot have what was not given: such news is forged or broken.
        if have > self.chunks.written() {
            return;
        }
        peer.hear(now, have, credit);
        self.say_head = false;
        if done && self.ended && self.aborted.is_none() && have == self.chunks.written() {
            peer.state = PeerState::Done;
        }
        self.settle(now);
    }

    /// A receiver refuses the offer, or takes no more.
    pub fn handle_stop(&mut self, now: Instant, from: Receiver, target: Target, reason: Reason) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.heard = now;
            peer.fail(reason, false);
        } else if target == Target::Group {
            if self.group.is_asked() {
                let until = now + self.backoff();
                self.group = GroupLane::Backoff { until, reason };
            }
        } else if self.plain.is_open() && self.peers.len() < Self::MAX_PEERS {
            self.peers
                .insert(from, Peer::new(now, target, PeerState::Failed(reason)));
            self.close_if_all_joined();
        }
        self.settle(now);
    }

    /// Nobody was subscribed to what was offered.
    pub fn handle_undelivered(&mut self, now: Instant, targets: Targets) {
        let joined = self.peers.values().any(|peer| peer.target == Target::Plain);
        if targets.plain() && !joined {
            self.plain = PlainLane::Closed;
        }
        if targets.group() && self.group.is_open() {
            self.group = GroupLane::Empty;
        }
        self.settle(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let lanes = [
            self.plain.next_timeout(),
            self.group.next_timeout(&self.limits),
        ];
        let peers = self
            .peers
            .values()
            .filter_map(|peer| peer.next_timeout(&self.limits));
        lanes.into_iter().flatten().chain(peers).min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.plain.handle_timeout(now);
        let give_up = self.started + self.limits.patience;
        let give_up = self.deadline.unwrap_or(give_up);
        self.group.handle_timeout(now, give_up, &self.limits);
        for peer in self.peers.values_mut() {
            let again = peer.handle_timeout(now, &self.limits);
            // Until a reply's reader was heard of, it may not even know that there is one.
            self.say_head |= again && self.stream.reply && peer.acked == 0;
        }
        self.settle(now);
    }

    /// The bytes that it holds.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.chunks.held()
    }

    fn backoff(&mut self) -> Duration {
        const FIRST: Duration = Duration::from_millis(10);
        const MOST_DOUBLINGS: u32 = 6;
        let pause = FIRST * (1 << self.refusals.min(MOST_DOUBLINGS));
        self.refusals += 1;
        pause
    }

    fn close_if_all_joined(&mut self) {
        let plain = self
            .peers
            .values()
            .filter(|peer| peer.target == Target::Plain)
            .count();
        if self.limits.expect.is_some_and(|expected| plain >= expected) {
            self.plain = PlainLane::Closed;
        }
    }

    /// Forgets what nobody lacks, and notes who keeps the others waiting.
    fn settle(&mut self, now: Instant) {
        if self.plain.is_open() || self.group.is_open() {
            return;
        }
        let active = || self.peers.values().filter(|peer| peer.is_active());
        let Some(slowest) = active().map(|peer| peer.acked).min() else {
            return self.chunks.clear();
        };
        self.chunks.release(slowest);
        let written = self.chunks.written();
        let full = written - self.chunks.base() >= self.limits.window
            || self.chunks.count() >= self.limits.chunks;
        if full && !self.ended && active().any(|peer| peer.acked == written) {
            let behind = |peer: &&mut Peer| peer.is_active() && peer.acked < written;
            self.peers
                .values_mut()
                .filter(behind)
                .for_each(|peer| peer.mark(now, written));
        }
    }
}
