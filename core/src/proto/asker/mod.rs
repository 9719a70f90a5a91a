//! The asking half of a request.

mod absent;
mod answers;
mod event;
mod timers;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

pub use self::event::{AskerEvent, AskerTransmit, RequestFailure};
use super::{Backoff, clock::later};
use crate::{
    Executed, InstanceId,
    address::{Target, Targets},
};

/// The time limits of an [`Asker`].
#[derive(Debug, Clone, Copy)]
pub struct AskerLimits {
    /// How long to wait for a first sign of an answerer, once the whole request is with the broker.
    pub answer: Duration,
    /// How long an answerer may be silent after it was heard from.
    pub idle: Duration,
    /// How long to keep asking a group that refuses, if the request has no deadline.
    pub patience: Duration,
    /// How long a busy member may take to refuse, at most half of the time for the request. A group
    /// is not asked so late that its refusal could not arrive in time.
    pub refusal: Duration,
    /// How long the broker may take to tell whether there is a group, before it is probed again.
    pub retry: Duration,
}

/// The asking half of a request: decides where to send it, and which answer counts.
///
/// For a request of one packet, [`poll_ask`](Self::poll_ask) tells where to publish it, also when a
/// group that has refused is asked again. The packets of a streamed request belong to the
/// [`Outbound`](super::Outbound) of its body; this then only handles the answers.
///
/// If a subject has a group, the group answers: the failure of a plain binding counts only if the
/// broker reports that there is no group, for which a [`Probe`](super::frame::Frame::Probe) asks
/// it. The first reply counts, from a plain binding or from the group.
///
/// # Run loop
/// 1. Call the `handle_*` method for each input, and [`handle_timeout`](Self::handle_timeout).
/// 2. While [`poll_ask`](Self::poll_ask) returns targets, publish the message to them, with a
///    token, and then call [`handle_asked`](Self::handle_asked).
/// 3. Publish what [`poll_transmit`](Self::poll_transmit) returns, until it returns `None`.
/// 4. Take what [`poll_event`](Self::poll_event) returns, until it returns `None`.
/// 5. Wait for input, at most until [`poll_timeout`](Self::poll_timeout).
///
/// Spurious calls have no effect. The request is over after one reply, or one event other than
/// [`NotExecuted`](AskerEvent::NotExecuted); one that [takes all answers](Self::all) continues
/// after replies and failures.
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
    phase: AskerPhase,
    /// The targets that the message has yet to be published to.
    lanes: &'static [Targets],
    /// Whether a packet of the request was published.
    was_asked: bool,
    /// Whether the group has refused, and was asked again alone.
    is_repeated: bool,
    backoff: Backoff,
    /// The group is asked again only if its refusal can arrive before this.
    give_up: Instant,
    /// The last refusal of the group. Failures are boxed: few requests have one, and each request
    /// is moved.
    refusal: Option<Box<RequestFailure>>,
    heard: Heard,
    absent: Absent,
    /// The failure of a plain binding, and when it arrived. It counts only if there is no group.
    plain_failure: Option<(Box<RequestFailure>, Instant)>,
    /// When to probe the broker for a group.
    probe: Option<Instant>,
    say_probe: bool,
    say_cancel: bool,
    events: VecDeque<AskerEvent>,
}

#[derive(Debug)]
enum AskerPhase {
    /// Packets of the request have yet to be published. The group may have refused already.
    Asking(Option<Box<RequestFailure>>),
    /// Everything is with the broker, since this time.
    Waiting(Instant),
    /// The group has refused, and is asked again at this time.
    Pausing(Instant),
    Over,
}

/// When an answerer was last heard from, by how the request reached it.
#[derive(Debug, Default)]
struct Heard {
    group: Option<Instant>,
    plain: Option<Instant>,
    /// The answerer that was heard from last.
    from: Option<InstanceId>,
}

/// Which kinds of bindings do not exist, according to the broker.
#[derive(Debug, Default)]
struct Absent {
    plain: bool,
    group: bool,
}

impl Asker {
    /// Creates a request of one packet, which is published once to each of these targets.
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
            phase: AskerPhase::Asking(None),
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

    /// Creates a request with a streamed body; the sending half of the body offers it to the group
    /// again after a refusal.
    #[must_use]
    pub fn streamed(now: Instant, deadline: Option<Instant>, limits: AskerLimits) -> Self {
        Self { is_streamed: true, ..Self::whole(now, &[], deadline, limits) }
    }

    /// Turns it into a request to plain bindings only, which takes every answer.
    #[must_use]
    pub fn all(self) -> Self {
        Self { takes_all: true, ..self }
    }

    /// Returns whether it takes every answer.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.takes_all
    }

    /// Returns whether the request is over: no further answer is accepted.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, AskerPhase::Over)
    }

    /// Returns where to publish the message next. If the request [is repeated](Self::is_repeated),
    /// the message has to carry the time that is left then.
    #[must_use]
    pub fn poll_ask(&self) -> Option<Targets> {
        self.lanes.first().copied()
    }

    /// Returns whether the group has refused, and is asked again.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Notes that the broker has the packet that [`poll_ask`](Self::poll_ask) asked for, or the
    /// whole body of a streamed request.
    pub fn handle_asked(&mut self, now: Instant) {
        self.was_asked = true;
        self.lanes = self.lanes.get(1..).unwrap_or_default();
        if let AskerPhase::Asking(refusal) = &mut self.phase
            && self.lanes.is_empty()
        {
            let refusal = refusal.take();
            self.phase = AskerPhase::Waiting(now);
            if let Some(refusal) = refusal {
                self.refused(now, *refusal);
            }
        }
    }

    /// Returns whether a handler may have been executed, if the packet that
    /// [`poll_ask`](Self::poll_ask) asked for was not published and never will be.
    #[must_use]
    pub fn executed_by_others(&self) -> Executed {
        if self.was_asked { self.executed_by_plain() } else { Executed::No }
    }

    /// Returns the next packet to publish besides the request.
    #[must_use = "it is yielded once"]
    pub fn poll_transmit(&mut self) -> Option<AskerTransmit> {
        if std::mem::take(&mut self.say_probe) {
            return Some(AskerTransmit::Probe);
        }
        std::mem::take(&mut self.say_cancel).then_some(AskerTransmit::Cancel)
    }

    /// Returns the next event.
    #[must_use = "it is yielded once"]
    pub fn poll_event(&mut self) -> Option<AskerEvent> {
        self.events.pop_front()
    }

    /// Cancels the request at all receivers that have it.
    pub fn cancel(&mut self) {
        if !self.is_over() {
            self.say_cancel = true;
            self.finish();
        }
    }

    /// Ends the request without an event.
    fn finish(&mut self) {
        self.phase = AskerPhase::Over;
        self.lanes = &[];
    }

    /// Notes that the body could not be sent completely, to one receiver or `for_all`. Returns
    /// whether that counts as an answer. If it failed for all and may have been executed, the
    /// request is cancelled.
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
        self.phase = AskerPhase::Over;
    }

    fn hear(&mut self, now: Instant, target: Target) {
        match target {
            Target::Group => self.heard.group = Some(now),
            Target::Plain => self.heard.plain = Some(now),
        }
    }
}
