//! One pending request, with its waiting answers.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{
    answers::{Answers, Room, Weight},
    errors,
};
use crate::{
    Error, ErrorKind, Executed, MessageId,
    driver::{Content, Endpoint, ground::Ground},
    lock::lock,
    proto::{
        Asker, AskerEvent, AskerTransmit,
        frame::{Frame, Head},
    },
    transport::{Address, Targets},
};

/// A request that waits for one or more answers.
pub(crate) struct Pending {
    message: MessageId,
    to: Arc<Endpoint>,
    /// The limits of waiting answers, if it takes all answers.
    room: Option<Room>,
    /// How many bytes of a streamed answer may be sent before they are granted.
    credit: u64,
    state: Mutex<PendingState>,
}

struct PendingState {
    asker: Asker,
    answers: Answers,
    /// How many answers the last taken one stands for.
    stood_for: usize,
    no_answer: Option<NoAnswer>,
    /// The waker of the asker that waits.
    waker: Option<Waker>,
    /// The timeout that it waits for.
    armed: Option<Instant>,
}

/// The reply to a request.
pub(crate) struct Answer {
    pub(crate) head: Arc<Head>,
    pub(crate) content: Content,
}

/// The next step of a request.
pub(crate) enum RequestStep {
    /// Publish it to these targets.
    Ask(Targets),
    Answer(Result<Answer, Error>),
    /// There will be no further answer.
    NoAnswer(NoAnswer),
}

/// Why there is no answer.
pub(crate) enum NoAnswer {
    /// No answerer was heard from for too long.
    Silence(Error),
    Deadline,
}

impl Pending {
    /// Creates a pending request. A request that takes all answers has `room` for them.
    pub(crate) fn new(
        message: MessageId,
        to: Arc<Endpoint>,
        asker: Asker,
        room: Option<Room>,
        credit: u64,
    ) -> Self {
        let answers = Answers::default();
        let state = PendingState {
            asker,
            answers,
            stood_for: 0,
            no_answer: None,
            waker: None,
            armed: None,
        };
        Self { message, to, room, credit, state: Mutex::new(state) }
    }

    pub(crate) fn takes_all(&self) -> bool {
        self.room.is_some()
    }

    pub(super) fn credit(&self) -> u64 {
        self.credit
    }

    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).asker.is_over()
    }

    pub(crate) fn is_repeated(&self) -> bool {
        lock(&self.state).asker.is_repeated()
    }

    pub(crate) fn executed_by_others(&self) -> Executed {
        lock(&self.state).asker.executed_by_others()
    }

    /// Notes that an answer was taken: the time for the next one starts now. Returns how many
    /// answers it stands for; an error may stand for several that were dropped.
    pub(crate) fn was_taken(&self, ground: &Ground) -> usize {
        let now = ground.now();
        let mut state = lock(&self.state);
        state.asker.handle_taken(now);
        state.stood_for
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        lock(&self.state).answers.bytes()
    }

    /// Cancels the request at its receivers.
    pub(crate) fn cancel(&self, ground: &Ground) {
        self.with(ground, Asker::cancel);
    }

    /// Notes that the broker has the packet that was to be published, or the whole body.
    pub(crate) fn was_asked(&self, ground: &Ground) {
        let now = ground.now();
        self.with(ground, |asker| asker.handle_asked(now));
    }

    /// Notes that the body could not be sent completely, to one receiver or to all.
    pub(crate) fn was_not_sent(&self, ground: &Ground, error: Error) {
        let (executed, for_all) = (error.executed(), error.instance().is_none());
        self.answer(ground, 0, |asker| {
            asker.handle_not_sent(executed, for_all).then_some(Err(error))
        });
    }

    /// Ends the request, since the conduit is closed.
    pub(super) fn close(&self, ground: &Ground, executed: Executed) {
        self.answer(ground, 0, |asker| {
            let is_open = !asker.is_over();
            asker.cancel();
            is_open.then(|| Err(Error::from(ErrorKind::Closed).with_executed(executed)))
        });
    }

    /// Returns the next step.
    pub(crate) fn poll_step(&self, cx: &Context<'_>) -> Poll<RequestStep> {
        let mut state = lock(&self.state);
        if let Some(targets) = state.asker.poll_ask() {
            return Poll::Ready(RequestStep::Ask(targets));
        }
        if let Some((answer, count)) = state.answers.take() {
            state.stood_for = count;
            return Poll::Ready(RequestStep::Answer(answer));
        }
        if let Some(no_answer) = state.no_answer.take() {
            return Poll::Ready(RequestStep::NoAnswer(no_answer));
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout). The waiter is woken if that
    /// becomes earlier.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let mut state = lock(&self.state);
        state.armed = state.asker.poll_timeout();
        state.armed
    }

    pub(crate) fn handle_timeout(&self, ground: &Ground) {
        let now = ground.now();
        self.with(ground, |asker| asker.handle_timeout(now));
    }

    /// Changes the machine, and sends what that causes.
    pub(super) fn with(&self, ground: &Ground, change: impl FnOnce(&mut Asker)) {
        self.answer(ground, 0, |asker| {
            change(asker);
            None
        });
    }

    /// Changes the machine for a packet of `bytes` bytes, which may be an answer.
    pub(super) fn answer(
        &self,
        ground: &Ground,
        bytes: u64,
        change: impl FnOnce(&mut Asker) -> Option<Result<Answer, Error>>,
    ) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let weight = Weight { bytes, budget: Some(&ground.waiting) };
        let (mut dropped, mut is_unexecuted) = (Vec::new(), false);
        let mut answer = change(&mut state.asker);
        loop {
            if let Some(answer) = answer.take() {
                dropped.extend(state.add(self.room, answer, weight));
            }
            match state.asker.poll_event() {
                None => break,
                Some(AskerEvent::NotExecuted) => is_unexecuted = true,
                Some(AskerEvent::Failed { failure, executed }) => {
                    answer = Some(Err(errors::failed(failure).with_executed(executed)));
                }
                Some(AskerEvent::NoReceivers) => answer = Some(Err(ErrorKind::NoReceivers.into())),
                Some(AskerEvent::NoAnswer { failure }) => {
                    state.no_answer = Some(NoAnswer::Silence(errors::no_answer(failure)));
                }
                Some(AskerEvent::Lost { instance, failure }) => {
                    state.no_answer = Some(NoAnswer::Silence(errors::lost(instance, failure)));
                }
                Some(AskerEvent::Deadline) => state.no_answer = Some(NoAnswer::Deadline),
            }
        }
        let says = [state.asker.poll_transmit(), state.asker.poll_transmit()];
        let is_due = state.waker.is_some() && state.has_news();
        let waker = if is_due { state.waker.take() } else { None };
        // Dropped outside the lock.
        drop(guard);
        drop(dropped);
        if is_unexecuted {
            self.to.note_not_executed(ground.age(ground.now()));
        }
        says.into_iter().flatten().for_each(|say| self.say(ground, say));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn say(&self, ground: &Ground, say: AskerTransmit) {
        let message = self.message;
        match say {
            AskerTransmit::Probe => {
                let token = ground.token(message, Targets::Group);
                let probe = Frame::Probe { message }.encode();
                ground.post_packet(self.to.address(Targets::Group), probe, Some(token));
            }
            AskerTransmit::Cancel => {
                let service = self.to.service().clone();
                ground.post(Address::Control { service }, &Frame::Cancel { message });
            }
        }
    }
}

impl PendingState {
    /// Adds an answer. Returns it if there is no room for it.
    fn add(
        &mut self,
        room: Option<Room>,
        answer: Result<Answer, Error>,
        weight: Weight<'_>,
    ) -> Option<Result<Answer, Error>> {
        match room {
            Some(room) => self.answers.add_one(room, answer, weight),
            None => {
                self.answers.add_only(answer, weight);
                None
            }
        }
    }

    /// Returns whether the waiter has something to do, or a timer is earlier than the one that it
    /// waits for.
    fn has_news(&self) -> bool {
        let is_sooner = || match (self.asker.poll_timeout(), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, _) => next.is_some(),
        };
        let waits = self.answers.len() > 0 || self.no_answer.is_some();
        waits || self.asker.poll_ask().is_some() || is_sooner()
    }
}
