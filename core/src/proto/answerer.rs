//! The answering half of a request.

use std::time::{Duration, Instant};

use super::{
    Detail, Reason, ReasonCode, RequestFailure,
    clock::{SIGNS_OF_LIFE, later},
    frame::Frame,
};
use crate::{InstanceId, MessageId, address::Target};

/// The answering half of a request: tracks it at one binding, from its arrival to its answer.
///
/// It is answered once: by a reply, which the user publishes after [`reply`](Self::reply), or by a
/// [`Failure`](Frame::Failure). If it is dropped unanswered, a Failure tells the asker whether the
/// handler was executed.
///
/// # Run loop
/// 1. Call the method for each action of the user and each input, and
///    [`handle_timeout`](Self::handle_timeout).
/// 2. Publish what [`poll_transmit`](Self::poll_transmit) returns to the inbox of the asker, until
///    it returns `None`. Publish an Alive with a token; if the notice for it arrives, call
///    [`handle_undelivered`](Self::handle_undelivered).
/// 3. If [`is_cancelled`](Self::is_cancelled), stop the handler, and then call
///    [`give_up`](Self::give_up).
/// 4. Wait for input, at most until [`poll_timeout`](Self::poll_timeout).
///
/// Timers may be handled late: an Alive that is due is then published late, and only once.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use conduit::{
///     InstanceId, MessageId,
///     proto::{Answerer, ReasonCode, frame::Frame},
///     transport::Target,
/// };
///
/// let (message, instance) = (MessageId::from_bytes([1; 16]), InstanceId::from_bytes([2; 16]));
/// let idle = Duration::from_secs(12);
/// let now = Instant::now();
/// let mut answerer = Answerer::whole(now, message, instance, Target::Group, idle);
/// answerer.start();
/// answerer.begin();
/// // The handler runs for a long time.
/// answerer.handle_timeout(now + Duration::from_secs(1));
/// assert!(matches!(answerer.poll_transmit(), Some(Frame::Alive { .. })));
/// // It ends without a reply.
/// answerer.give_up();
/// let Some(Frame::Failure { reason, started, .. }) = answerer.poll_transmit() else {
///     panic!("the asker is told");
/// };
/// assert_eq!((reason.code, started), (ReasonCode::NoReply, true));
/// ```
#[derive(Debug)]
pub struct Answerer {
    message: MessageId,
    instance: InstanceId,
    target: Target,
    /// The time between two signs of life.
    pause: Duration,
    phase: AnswererPhase,
    is_answered: bool,
    is_cancelled: bool,
    /// When the next sign of life is due.
    alive_at: Instant,
    say_alive: bool,
    /// The broker reported that the last sign of life had no subscriber.
    is_unheard: bool,
    /// How many in a row had no subscriber.
    unheard: u32,
    say_failure: Option<Box<RequestFailure>>,
}

/// The progress of the request, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum AnswererPhase {
    /// Its body is streamed, and no handler has it: the frames of the body are its signs of life.
    Offered,
    Waiting,
    /// A handler has it.
    Handled,
    /// The function of the handler was called.
    Begun,
}

impl Answerer {
    /// Creates the state of a request of one packet that has just arrived.
    #[must_use]
    pub fn whole(
        now: Instant,
        message: MessageId,
        instance: InstanceId,
        target: Target,
        idle: Duration,
    ) -> Self {
        let pause = idle / SIGNS_OF_LIFE;
        Self {
            message,
            instance,
            target,
            pause,
            phase: AnswererPhase::Waiting,
            is_answered: false,
            is_cancelled: false,
            // Most requests are answered before the first sign of life is due.
            alive_at: later(now, pause / 2),
            say_alive: false,
            is_unheard: false,
            unheard: 0,
            say_failure: None,
        }
    }

    /// Creates the state of a request with a streamed body that was just offered.
    #[must_use]
    pub fn streamed(
        now: Instant,
        message: MessageId,
        instance: InstanceId,
        target: Target,
        idle: Duration,
    ) -> Self {
        let whole = Self::whole(now, message, instance, target, idle);
        Self { phase: AnswererPhase::Offered, ..whole }
    }

    /// Notes that a handler has taken the request.
    pub fn start(&mut self) {
        self.phase = self.phase.max(AnswererPhase::Handled);
    }

    /// Notes that the function of the handler is called: from now on it counts as executed.
    pub fn begin(&mut self) {
        self.phase = AnswererPhase::Begun;
    }

    /// Claims the right to answer. Returns whether it was unclaimed.
    #[must_use = "only the first answers"]
    pub fn reply(&mut self) -> bool {
        !std::mem::replace(&mut self.is_answered, true)
    }

    /// Answers with a failure, unless it is answered.
    pub fn fail(&mut self, reason: Reason, detail: Detail) {
        if self.reply() {
            self.break_off(reason, detail);
        }
    }

    /// Answers with a failure, even if a reply was begun: the asker accepts whichever arrives
    /// first.
    pub fn break_off(&mut self, reason: Reason, detail: Detail) {
        self.is_answered = true;
        let Self { instance, target, .. } = *self;
        let started = self.phase >= AnswererPhase::Begun;
        let failure = RequestFailure { instance, target, started, reason, detail };
        self.say_failure = Some(Box::new(failure));
    }

    /// Notes that the request is dropped, and tells the asker why, unless it is answered.
    pub fn give_up(&mut self) {
        let code = if self.is_cancelled {
            ReasonCode::Cancelled
        } else if self.phase >= AnswererPhase::Handled {
            ReasonCode::NoReply
        } else {
            ReasonCode::Draining
        };
        self.fail(code.into(), Detail::default());
    }

    /// Handles a Cancel: the asker no longer needs an answer. Has no effect once an answer was
    /// begun, which the asker then accepts or stops.
    pub fn handle_cancel(&mut self) {
        self.is_cancelled |= !self.is_answered;
    }

    /// Handles the broker's notice that a sign of life had no subscriber.
    pub fn handle_undelivered(&mut self) {
        self.is_unheard = true;
    }

    /// Returns whether the asker no longer needs an answer: it has cancelled the request, or was
    /// disconnected for the idle limit.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// Handles the timer: makes a sign of life if one is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase == AnswererPhase::Offered || now < self.alive_at {
            return;
        }
        self.alive_at = later(now, self.pause);
        self.say_alive = true;
        // An asker that has lost its connection may reconnect before the idle limit.
        self.unheard = if std::mem::take(&mut self.is_unheard) { self.unheard + 1 } else { 0 };
        if self.unheard >= SIGNS_OF_LIFE {
            self.handle_cancel();
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.phase != AnswererPhase::Offered).then_some(self.alive_at)
    }

    /// Returns the next frame for the asker.
    #[must_use = "it is yielded once"]
    pub fn poll_transmit(&mut self) -> Option<Frame> {
        let Self { message, instance, target, .. } = *self;
        if let Some(failure) = self.say_failure.take() {
            let RequestFailure { started, reason, detail, .. } = *failure;
            return Some(Frame::Failure { message, instance, target, started, reason, detail });
        }
        let alive = Frame::Alive { message, instance, target };
        std::mem::take(&mut self.say_alive).then_some(alive)
    }
}
