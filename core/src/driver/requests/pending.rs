//! One request, and what is known of its answer.

mod absent;

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::answers::{Answers, Room, Weight};
use crate::{
    Error, InstanceId,
    body::Content,
    driver::{shared::lock, waiting::WaitingBytes},
    proto::frame::Head,
    transport::{Address, Target},
};

/// A request that waits for its answer. The first one counts, unless all are wanted.
pub(crate) struct Pending {
    /// Where the group is, to ask whether there is one.
    group: Address,
    /// Of one that takes all answers: how many may wait to be taken.
    room: Option<Room>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: Answers,
    /// For how many the answer stands that was taken last.
    stood_for: usize,
    /// No more answers are wanted.
    resolved: bool,
    waker: Option<Waker>,
    /// What a plain binding said, and when. It counts only if there is no group.
    plain_failure: Option<(Error, Instant)>,
    /// When to ask the broker whether there is a group.
    probe_at: Option<Instant>,
    /// What the broker said of the plain bindings that were asked, and of the group.
    plain_is_empty: bool,
    group_is_empty: bool,
    /// Only the group was asked this time.
    group_only: bool,
    /// Since when silence means something: all that asks is with the broker.
    asked: Option<Instant>,
    /// When somebody last said to be alive, by how the request reached them.
    heard_of_group: Option<Instant>,
    heard_of_plain: Option<Instant>,
    /// Who said so last.
    heard_from: Option<InstanceId>,
}

impl State {
    /// Whether no plain binding got the request: the broker said so, and nothing was heard of one.
    fn no_plain_has_it(&self) -> bool {
        self.plain_is_empty && self.plain_failure.is_none() && self.heard_of_plain.is_none()
    }
}

/// The reply to a request.
pub(crate) struct Answer {
    pub(crate) head: Box<Head>,
    pub(crate) content: Content,
}

/// How long the other side may be silent.
#[derive(Clone, Copy)]
pub(crate) struct Silence {
    /// Before it was heard of.
    pub(crate) answer: Duration,
    /// After.
    pub(crate) idle: Duration,
}

impl Silence {
    pub(crate) const UNLIMITED: Self = Self { answer: Duration::MAX, idle: Duration::MAX };
}

impl Pending {
    /// A request that takes the first answer.
    pub(crate) fn first(group: Address) -> Self {
        Self { group, room: None, state: Mutex::default() }
    }

    /// A request that takes all answers. As many may wait to be taken as there is room for.
    pub(crate) fn all(group: Address, room: Room) -> Self {
        Self { group, room: Some(room), state: Mutex::default() }
    }

    pub(crate) fn asks_all(&self) -> bool {
        self.room.is_some()
    }

    pub(super) fn group(&self) -> &Address {
        &self.group
    }

    /// What is known here of an answer.
    pub(crate) fn resolve(&self, answer: Result<Answer, Error>) {
        self.add(answer, Weight::default());
    }

    /// An answer has come, in a packet of so many bytes.
    pub(super) fn answered(
        &self,
        budget: &Arc<WaitingBytes>,
        answer: Result<Answer, Error>,
        bytes: u64,
    ) {
        self.add(answer, Weight { bytes, budget: Some(budget) });
    }

    fn add(&self, answer: Result<Answer, Error>, weight: Weight<'_>) {
        let mut state = lock(&self.state);
        let dropped = match self.room {
            // One that comes second.
            _ if state.resolved => Some(answer),
            Some(room) => state.answers.add_one(room, answer, weight),
            None => {
                state.resolved = true;
                state.answers.add_only(answer, weight);
                None
            }
        };
        let waker = state.waker.take();
        // Not under the lock.
        drop(state);
        drop(dropped);
        wake(waker);
    }

    pub(crate) fn is_resolved(&self) -> bool {
        lock(&self.state).resolved
    }

    /// No answer is wanted any more. Returns whether that was so before.
    pub(crate) fn give_up(&self) -> bool {
        std::mem::replace(&mut lock(&self.state).resolved, true)
    }

    /// All that asks was given to the broker: from now on, silence means something.
    pub(crate) fn was_asked(&self, now: Instant) {
        let mut state = lock(&self.state);
        state.asked = Some(now);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// The group is about to be asked again.
    pub(crate) fn reopen(&self) {
        let mut state = lock(&self.state);
        let late = std::mem::take(&mut state.answers);
        state.resolved = false;
        state.group_only = true;
        state.asked = None;
        state.heard_of_group = None;
        state.heard_from = None;
        drop(state);
        drop(late);
    }

    pub(crate) fn poll_answer(&self, cx: &Context<'_>) -> Poll<Result<Answer, Error>> {
        let mut state = lock(&self.state);
        if let Some((answer, count)) = state.answers.take() {
            state.stood_for = count;
            return Poll::Ready(answer);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// For how many the answer stands that was taken last: where there was no room for some, one error
    /// says so for all of them.
    pub(crate) fn stood_for(&self) -> usize {
        lock(&self.state).stood_for
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        lock(&self.state).answers.bytes()
    }

    /// Somebody has the request, and is alive.
    pub(crate) fn hear(&self, now: Instant, target: Target) {
        let mut state = lock(&self.state);
        match target {
            Target::Group => state.heard_of_group = Some(now),
            Target::Plain => state.heard_of_plain = Some(now),
        }
    }

    /// An instance says that it has the request.
    pub(super) fn hear_alive(&self, now: Instant, target: Target, instance: InstanceId) {
        self.hear(now, target);
        let mut state = lock(&self.state);
        // Where the group has it, what plain bindings say does not matter.
        if target == Target::Group || state.heard_of_group.is_none() {
            state.heard_from = Some(instance);
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
