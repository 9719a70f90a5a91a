//! The half of a request that answers.

use std::time::{Duration, Instant};

use super::{
    Detail, Reason, ReasonCode, RequestFailure,
    clock::{SIGNS_OF_LIFE, later},
    frame::Frame,
};
use crate::{InstanceId, MessageId, address::Target};

/// A request at one binding, from its arrival to its answer.
///
/// It is answered once: by a reply, which the user publishes after [`reply`](Self::reply), or by a
/// [`Failure`](Frame::Failure). One that is given up unanswered says what that means for the asker.
///
/// # Run loop
/// 1. Call the method for what the user does or for what has come, and
///    [`handle_timeout`](Self::handle_timeout).
/// 2. Publish what [`poll_transmit`](Self::poll_transmit) says to the inbox of the asker, until it says
///    nothing. An Alive has a token; if its notice comes back, call
///    [`handle_undelivered`](Self::handle_undelivered).
/// 3. If [`is_cancelled`](Self::is_cancelled), stop the handler, which then calls
///    [`give_up`](Self::give_up).
/// 4. Wait until something happens, at most until [`poll_timeout`](Self::poll_timeout).
///
/// It may be driven later than it asks for: what it says is then said later, and once.
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
/// // The handler runs for long.
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
    /// Between two signs of life.
    pause: Duration,
    phase: Phase,
    is_answered: bool,
    is_cancelled: bool,
    /// When the next sign of life is due.
    alive_at: Instant,
    say_alive: bool,
    /// The broker says of the last sign of life that it reached nobody.
    is_unheard: bool,
    /// How many in a row reached nobody.
    unheard: u32,
    say_failure: Option<Box<RequestFailure>>,
}

/// Ordered by what the handler has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Its body is streamed, and no handler has it: the asker hears of it by the body's own frames.
    Offered,
    Waiting,
    /// A handler has it.
    Handled,
    /// The function of the handler was called.
    Begun,
}

impl Answerer {
    /// A request of one packet that came just now.
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
            phase: Phase::Waiting,
            is_answered: false,
            is_cancelled: false,
            // Most are answered before the asker could wonder.
            alive_at: later(now, pause / 2),
            say_alive: false,
            is_unheard: false,
            unheard: 0,
            say_failure: None,
        }
    }

    /// A request whose body is streamed and was offered just now.
    #[must_use]
    pub fn streamed(
        now: Instant,
        message: MessageId,
        instance: InstanceId,
        target: Target,
        idle: Duration,
    ) -> Self {
        let whole = Self::whole(now, message, instance, target, idle);
        Self { phase: Phase::Offered, ..whole }
    }

    /// A handler has the request from now on.
    pub fn start(&mut self) {
        self.phase = self.phase.max(Phase::Handled);
    }

    /// The function of the handler is called: from now on it was executed.
    pub fn begin(&mut self) {
        self.phase = Phase::Begun;
    }

    /// Takes the right to answer, and returns whether this is the first to do so.
    #[must_use = "only the first answers"]
    pub fn reply(&mut self) -> bool {
        !std::mem::replace(&mut self.is_answered, true)
    }

    /// Answers with a failure, if it is not answered.
    pub fn fail(&mut self, reason: Reason, detail: Detail) {
        if self.reply() {
            self.break_off(reason, detail);
        }
    }

    /// Says that there is no answer, also where one was begun: the asker takes the first that comes.
    pub fn break_off(&mut self, reason: Reason, detail: Detail) {
        self.is_answered = true;
        let Self { instance, target, .. } = *self;
        let started = self.phase >= Phase::Begun;
        let failure = RequestFailure { instance, target, started, reason, detail };
        self.say_failure = Some(Box::new(failure));
    }

    /// It is dropped. Tells the asker why, if it is not answered.
    pub fn give_up(&mut self) {
        let code = if self.is_cancelled {
            ReasonCode::Cancelled
        } else if self.phase >= Phase::Handled {
            ReasonCode::NoReply
        } else {
            ReasonCode::Draining
        };
        self.fail(code.into(), Detail::default());
    }

    /// The asker needs no answer any more. Changes nothing once it is being answered: the asker then
    /// takes the answer or stops it.
    pub fn handle_cancel(&mut self) {
        self.is_cancelled |= !self.is_answered;
    }

    /// The broker had nobody to give a sign of life to.
    pub fn handle_undelivered(&mut self) {
        self.is_unheard = true;
    }

    /// Whether the asker needs no answer any more: it has said so, or was away for the idle limit.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// Says that the request is here, if that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase == Phase::Offered || now < self.alive_at {
            return;
        }
        self.alive_at = later(now, self.pause);
        self.say_alive = true;
        // An asker that has lost its connection may be back before the idle limit.
        self.unheard = if std::mem::take(&mut self.is_unheard) { self.unheard + 1 } else { 0 };
        if self.unheard >= SIGNS_OF_LIFE {
            self.handle_cancel();
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.phase != Phase::Offered).then_some(self.alive_at)
    }

    /// What to tell the asker.
    #[must_use = "it is said once"]
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
