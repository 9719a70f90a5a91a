//! What waits for one binding.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use event_listener::Event;

use super::{
    Arrival, Shared,
    shared::{Counter, lock},
    streams::Readiness,
};
use crate::proto::{BindingId, BindingKind};

pub(crate) struct Mailbox {
    id: BindingId,
    kind: BindingKind,
    capacity: usize,
    max_bodies: usize,
    state: Mutex<State>,
    open_bodies: AtomicUsize,
    /// Nothing more will come. Set under the lock.
    complete: AtomicBool,
    completed: Event,
    /// One-way messages that did not fit.
    pub(crate) lost: Counter,
    /// Messages that were lost on the way, as far as is known.
    pub(crate) missed: Counter,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arrival>,
    reader: Option<Waker>,
}

/// The mailbox takes nothing more now; the message comes back.
pub(super) struct Full(pub(super) Arrival);

impl Mailbox {
    pub(super) fn new(
        id: BindingId,
        kind: BindingKind,
        capacity: usize,
        max_bodies: usize,
    ) -> Self {
        Self {
            id,
            kind,
            capacity,
            max_bodies,
            state: Mutex::default(),
            open_bodies: AtomicUsize::new(0),
            complete: AtomicBool::new(false),
            completed: Event::new(),
            lost: Counter::default(),
            missed: Counter::default(),
        }
    }

    pub(crate) fn id(&self) -> BindingId {
        self.id
    }

    pub(super) fn kind(&self) -> BindingKind {
        self.kind
    }

    /// The binding's number as a receiver of bodies. Port 0 is the reader of a reply.
    pub(super) fn port(&self) -> u64 {
        self.id.0
    }

    pub(super) fn push(&self, arrival: Arrival) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if self.is_complete() || state.waiting.len() >= self.capacity {
            drop(state);
            return Err(Full(arrival));
        }
        state.waiting.push_back(arrival);
        if planted!(Overtake) {
            state.waiting.rotate_right(1);
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// How many more messages there is room for.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(lock(&self.state).waiting.len())
    }

    /// Whether there is room for one more message, and for its body if it is streamed.
    pub(super) fn has_room(&self, streamed: bool) -> bool {
        let state = lock(&self.state);
        let bodies = self.open_bodies.load(Ordering::Relaxed);
        !self.is_complete()
            && state.waiting.len() < self.capacity
            && (!streamed || bodies < self.max_bodies)
    }

    /// Whether a request that came by a time still waits here.
    pub(super) fn has_kept_waiting(&self, since: Option<Instant>) -> bool {
        let state = lock(&self.state);
        let oldest = state.waiting.iter().find_map(|arrival| arrival.replier.as_ref());
        oldest.is_some_and(|replier| Some(replier.arrived) <= since)
    }

    /// Since when a request has been waiting that another member of the group could take.
    pub(crate) fn poll_waiting_request(&self, cx: &Context<'_>) -> Poll<Instant> {
        let mut state = lock(&self.state);
        match state.waiting.iter().find_map(Arrival::waiting_to_be_given) {
            Some(since) => Poll::Ready(since),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes out the requests that came by a time and that another member of the group could take.
    /// They count as open until their senders are told.
    pub(super) fn take_requests(&self, since: Option<Instant>) -> VecDeque<Arrival> {
        let mut state = lock(&self.state);
        let waiting = std::mem::take(&mut state.waiting);
        let is_old = |arrival: &Arrival| {
            let waiting = arrival.waiting_to_be_given();
            waiting.is_some() && waiting <= since
        };
        let (old, rest): (VecDeque<_>, _) = waiting.into_iter().partition(is_old);
        state.waiting = rest;
        old
    }

    /// Whether nothing more can come.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(super) fn body_opened(&self) {
        self.open_bodies.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn body_closed(&self) {
        self.open_bodies.fetch_sub(1, Ordering::Relaxed);
    }

    /// Something about a waiting message was decided.
    pub(super) fn wake(&self) {
        let reader = lock(&self.state).reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The next message; nothing once all is read and nothing more will come. It is counted as
    /// taken: whoever gets it sees to [`Shared::handled`].
    ///
    /// A message that was offered keeps its place until its sender has decided. A request whose
    /// time has passed is skipped.
    pub(crate) fn poll_next(
        &self,
        shared: &Arc<Shared>,
        cx: &Context<'_>,
    ) -> Poll<Option<Arrival>> {
        self.poll_for(shared, Some(cx.waker()))
    }

    /// The next message, if there is one, counted as taken.
    pub(crate) fn take_next(&self, shared: &Arc<Shared>) -> Option<Arrival> {
        match self.poll_for(shared, None) {
            Poll::Ready(arrival) => arrival,
            Poll::Pending => None,
        }
    }

    fn poll_for(&self, shared: &Arc<Shared>, waker: Option<&Waker>) -> Poll<Option<Arrival>> {
        loop {
            let mut state = lock(&self.state);
            let readiness = state.waiting.front().map(|first| first.readiness(shared));
            let arrival = match readiness {
                Some(Readiness::Ready) => {
                    shared.count_taken();
                    state.waiting.pop_front()
                }
                Some(Readiness::Never) => state.waiting.pop_front(),
                None if self.is_complete() => return Poll::Ready(None),
                Some(Readiness::Waiting) | None => {
                    if let Some(waker) = waker {
                        wait_with(&mut state.reader, waker);
                    }
                    return Poll::Pending;
                }
            };
            // Dropping a message locks other things: not under this lock.
            drop(state);
            if readiness == Some(Readiness::Ready) {
                return Poll::Ready(arrival);
            }
            arrival.iter().for_each(|arrival| arrival.refuse(shared));
            shared.notify_drain();
        }
    }

    /// Nothing more will come; what waits can still be read.
    pub(super) fn complete(&self) {
        let state = lock(&self.state);
        self.complete.store(true, Ordering::Release);
        drop(state);
        self.completed.notify(usize::MAX);
        self.wake();
    }

    /// Waits until nothing more can come.
    pub(crate) async fn completed(&self) {
        loop {
            let listener = self.completed.listen();
            if self.is_complete() {
                return;
            }
            listener.await;
        }
    }

    /// Nobody will read any more. What waits comes back, and is counted as being given back.
    pub(super) fn abandon(&self, shared: &Arc<Shared>) -> VecDeque<Arrival> {
        let mut state = lock(&self.state);
        self.complete.store(true, Ordering::Release);
        shared.begin_giving_back(state.waiting.len());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.completed.notify(usize::MAX);
        self.wake();
        waiting.iter().for_each(|arrival| arrival.refuse(shared));
        waiting
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }
}

/// Notes whom to wake, if it is not noted already.
fn wait_with(reader: &mut Option<Waker>, waker: &Waker) {
    match reader {
        Some(reader) => reader.clone_from(waker),
        None => *reader = Some(waker.clone()),
    }
}
