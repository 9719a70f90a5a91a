//! The half of a request that asks.

mod absent;
mod answers;
mod event;
mod timers;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

pub use self::event::{AskerEvent, AskerTransmit, RequestFailure};
use super::{Backoff, Executed, clock::later};
use crate::{
    InstanceId,
    address::{Target, Targets},
};

/// How long an [`Asker`] waits for what.
#[derive(Debug, Clone, Copy)]
pub struct AskerLimits {
    /// How long every answerer may be silent, once everything that asks is with the broker.
    pub answer: Duration,
    /// How long an answerer may be silent after it was heard of.
    pub idle: Duration,
    /// How long a group that refuses is asked again where the request has no deadline.
    pub patience: Duration,
    /// How long a busy member may take to refuse, at most half of the time for the request. A group is not
    /// asked too late for that: whether it has refused would not be known.
    pub refusal: Duration,
    /// How long the broker may take to say whether there is a group, before it is asked again.
    pub retry: Duration,
}

/// Asks, and decides which answer counts.
///
/// A request of one packet says by [`poll_ask`](Self::poll_ask) where its packets go, also when a group
/// that has refused is asked again. The packets of a streamed request belong to the
/// [`Outbound`](super::Outbound) of its body; this then only hears what is answered.
///
/// Where a subject has a group, the group answers: what a plain binding fails with counts only where the
/// broker says that there is no group, and a [`Probe`](super::frame::Frame::Probe) asks it. The first
/// reply counts, of a plain binding or of the group.
///
/// # Run loop
/// 1. Call the `handle_*` method for what has happened, and [`handle_timeout`](Self::handle_timeout).
/// 2. Publish the message to what [`poll_ask`](Self::poll_ask) says, with a token, and then call
///    [`handle_asked`](Self::handle_asked), until it says nothing.
/// 3. Publish what [`poll_transmit`](Self::poll_transmit) says until it says nothing.
/// 4. Take what [`poll_event`](Self::poll_event) says until it says nothing.
/// 5. Wait until something happens, at most until [`poll_timeout`](Self::poll_timeout).
///
/// Calls that come too often change nothing. It is over after one reply, or one event other than
/// [`NotExecuted`](AskerEvent::NotExecuted); one that [takes all answers](Self::all) goes on after replies and
/// failures.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use conduit::{
///     proto::{Asker, AskerEvent, AskerLimits},
///     transport::Targets,
/// };
///
/// let limits = AskerLimits {
///     answer: Duration::from_secs(5),
///     idle: Duration::from_secs(10),
///     patience: Duration::from_secs(5),
///     refusal: Duration::from_millis(200),
///     retry: Duration::from_secs(1),
/// };
/// let start = Instant::now();
/// let mut asker = Asker::whole(start, &[Targets::Both], None, limits);
/// assert_eq!(asker.poll_ask(), Some(Targets::Both));
/// asker.handle_asked(start);
/// assert_eq!(asker.poll_ask(), None);
/// // No answer comes.
/// let silent = start + limits.answer;
/// assert_eq!(asker.poll_timeout(), Some(silent));
/// asker.handle_timeout(silent);
/// assert_eq!(asker.poll_event(), Some(AskerEvent::NoAnswer { failure: None }));
/// ```
#[derive(Debug)]
pub struct Asker {
    limits: AskerLimits,
    deadline: Option<Instant>,
    takes_all: bool,
    is_streamed: bool,
    phase: Phase,
    /// What the message has yet to be published to.
    lanes: &'static [Targets],
    /// Something was published.
    was_asked: bool,
    /// The group has refused, and was asked alone after that.
    is_repeated: bool,
    backoff: Backoff,
    /// A refusal has to come before that, for the group to be asked again.
    give_up: Instant,
    /// What the group said last, if it has refused.
    refusal: Option<RequestFailure>,
    heard: Heard,
    absent: Absent,
    /// What a plain binding said, and when. It counts only if there is no group.
    plain_failure: Option<(RequestFailure, Instant)>,
    /// When to ask the broker whether there is a group.
    probe: Option<Instant>,
    say_probe: bool,
    say_cancel: bool,
    events: VecDeque<AskerEvent>,
}

#[derive(Debug)]
enum Phase {
    /// Not everything that asks is with the broker. The group may have refused already.
    Asking(Option<RequestFailure>),
    /// Silence means something since then.
    Waiting(Instant),
    /// The group has refused, and is asked again then.
    Pausing(Instant),
    Over,
}

/// When an answerer last said that it has the request, by how that reached it.
#[derive(Debug, Default)]
struct Heard {
    group: Option<Instant>,
    plain: Option<Instant>,
    /// Who said so last.
    from: Option<InstanceId>,
}

/// Who got nothing, as the broker says.
#[derive(Debug, Default)]
struct Absent {
    plain: bool,
    group: bool,
}

impl Asker {
    /// A request of one packet, which is published once to each of these targets.
    #[must_use]
    pub fn whole(
        now: Instant,
        lanes: &'static [Targets],
        deadline: Option<Instant>,
        limits: AskerLimits,
    ) -> Self {
        let give_up = deadline.unwrap_or_else(|| later(now, limits.patience));
        let half = give_up.saturating_duration_since(now) / 2;
        let limits = AskerLimits { refusal: limits.refusal.min(half), ..limits };
        Self {
            limits,
            deadline,
            takes_all: false,
            is_streamed: false,
            phase: Phase::Asking(None),
            lanes,
            was_asked: false,
            is_repeated: false,
            backoff: Backoff::default(),
            give_up,
            refusal: None,
            heard: Heard::default(),
            absent: Absent::default(),
            plain_failure: None,
            probe: None,
            say_probe: false,
            say_cancel: false,
            events: VecDeque::new(),
        }
    }

    /// A request whose body is streamed: the group is offered the body again where it refuses.
    #[must_use]
    pub fn streamed(now: Instant, deadline: Option<Instant>, limits: AskerLimits) -> Self {
        Self { is_streamed: true, ..Self::whole(now, &[], deadline, limits) }
    }

    /// The same to plain bindings only, of which it takes every answer.
    #[must_use]
    pub fn all(self) -> Self {
        Self { takes_all: true, ..self }
    }

    /// Whether it takes every answer.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.takes_all
    }

    /// Whether no answer is wanted any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Where the message is published next. Where [that is repeated](Self::is_repeated), it says how much
    /// time is left then.
    #[must_use]
    pub fn poll_ask(&self) -> Option<Targets> {
        self.lanes.first().copied()
    }

    /// Whether the group has refused, and is asked again.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// The broker has what [`poll_ask`](Self::poll_ask) said, or the whole body of a streamed request.
    pub fn handle_asked(&mut self, now: Instant) {
        self.was_asked = true;
        self.lanes = self.lanes.get(1..).unwrap_or_default();
        if let Phase::Asking(refusal) = &mut self.phase
            && self.lanes.is_empty()
        {
            let refusal = refusal.take();
            self.phase = Phase::Waiting(now);
            if let Some(refusal) = refusal {
                self.refused(now, refusal);
            }
        }
    }

    /// Whether a handler may have been executed, where what [`poll_ask`](Self::poll_ask) said was not
    /// published and never will be.
    #[must_use]
    pub fn executed_by_others(&self) -> Executed {
        if self.was_asked { self.executed_by_plain() } else { Executed::No }
    }

    /// What else is to be published.
    #[must_use = "it is said once"]
    pub fn poll_transmit(&mut self) -> Option<AskerTransmit> {
        if std::mem::take(&mut self.say_probe) {
            return Some(AskerTransmit::Probe);
        }
        std::mem::take(&mut self.say_cancel).then_some(AskerTransmit::Cancel)
    }

    /// What has happened.
    #[must_use = "it is said once"]
    pub fn poll_event(&mut self) -> Option<AskerEvent> {
        self.events.pop_front()
    }

    /// No answer is wanted any more: tells all that have the request.
    pub fn cancel(&mut self) {
        if !self.is_over() {
            self.say_cancel = true;
            self.finish();
        }
    }

    /// No more answers are wanted than there are.
    fn finish(&mut self) {
        self.phase = Phase::Over;
        self.lanes = &[];
    }

    /// Its body cannot be sent, to one receiver or to all, or will not be whole. Returns whether that
    /// counts as an answer. Where it may have been executed `for_all`, it is cancelled.
    #[must_use]
    pub fn handle_not_sent(&mut self, executed: Executed, for_all: bool) -> bool {
        if self.is_over() {
            return false;
        }
        let for_all = for_all || !self.takes_all;
        self.say_cancel |= executed != Executed::No && for_all;
        if !self.takes_all {
            self.finish();
        }
        true
    }

    fn end(&mut self, event: AskerEvent) {
        self.events.push_back(event);
        if self.is_repeated {
            self.lanes = &[];
        }
        self.phase = Phase::Over;
    }

    fn hear(&mut self, now: Instant, target: Target) {
        match target {
            Target::Group => self.heard.group = Some(now),
            Target::Plain => self.heard.plain = Some(now),
        }
    }
}
