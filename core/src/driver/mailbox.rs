//! What waits for one binding.

mod charged;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use event_listener::Event;

use self::charged::ChargedQueue;
use super::{
    Arrival, InboundStream, Shared,
    shared::{Counter, lock},
    streams::Readiness,
};
use crate::proto::{BindingId, BindingKind, Label, Place, Queue};

pub(crate) struct Mailbox {
    id: BindingId,
    kind: BindingKind,
    state: Mutex<State>,
    /// Nothing more will come. Set under the lock.
    complete: AtomicBool,
    completed: Event,
    /// One-way messages that did not fit, and where every binding gets its own, whatever did not.
    pub(crate) lost: Counter,
    /// Messages that were lost on the way, as far as is known.
    pub(crate) missed: Counter,
}

struct State {
    queue: ChargedQueue,
    reader: Option<Waker>,
}

/// The mailbox takes nothing more now; the message comes back.
pub(super) struct Full(pub(super) Arrival);

impl Mailbox {
    pub(super) fn new(id: BindingId, kind: BindingKind, queue: Queue<Arrival>) -> Self {
        Self {
            id,
            kind,
            state: Mutex::new(State { queue: ChargedQueue::new(queue), reader: None }),
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

    /// Adds a message whose packet had so many bytes.
    pub(super) fn push(&self, shared: &Shared, arrival: Arrival, bytes: usize) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if self.is_complete() {
            drop(state);
            return Err(Full(arrival));
        }
        let stream = arrival.stream().cloned();
        // A sender that decides after this look waits for the lock, and then finds the place.
        let is_undecided = |stream: &InboundStream| stream.readiness() == Readiness::Waiting;
        let label = Label {
            sender: arrival.head.source.instance,
            bytes: bytes as u64,
            request: arrival.replier.as_ref().map(|replier| replier.arrived),
            offered: stream.as_deref().is_some_and(is_undecided),
        };
        match state.queue.push(&shared.waiting, label, arrival) {
            Ok(place) => stream.iter().for_each(|stream| stream.waits_at(place)),
            Err(arrival) => {
                drop(state);
                return Err(Full(arrival));
            }
        }
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        Ok(())
    }

    /// The sender of an offered message has decided. One that has no place yet is looked at when it
    /// comes.
    pub(super) fn decided(&self, shared: &Shared, place: &OnceLock<Place>, readiness: Readiness) {
        let mut state = lock(&self.state);
        let Some(place) = place.get() else { return };
        let given_up = state.queue.change(&shared.waiting, |queue| match readiness {
            Readiness::Waiting => None,
            Readiness::Ready => {
                queue.confirm(*place);
                None
            }
            Readiness::Never => queue.remove(*place),
        });
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        if let Some(arrival) = given_up {
            self.give_up(shared, arrival);
        }
    }

    /// Nobody will handle a message that has waited. A plain binding that has accepted a body and
    /// does not get it has lost it.
    fn give_up(&self, shared: &Shared, arrival: Arrival) {
        if self.kind != BindingKind::Queue && arrival.is_lost() {
            shared.lose(self, &arrival.subject, &arrival.head);
        }
        arrival.refuse(shared);
        drop(arrival);
        shared.notify_drain();
    }

    /// How many more messages there is room for.
    pub(super) fn room(&self) -> usize {
        lock(&self.state).queue.get().room()
    }

    /// How many more messages, and bytes of them, there is room for.
    pub(super) fn free(&self) -> (u64, u64) {
        let state = lock(&self.state);
        let queue = state.queue.get();
        (queue.room() as u64, queue.free_bytes())
    }

    /// Whether there is room for one more message.
    pub(super) fn has_room(&self, shared: &Shared, bytes: usize) -> bool {
        !self.is_complete() && lock(&self.state).queue.has_room(&shared.waiting, bytes as u64)
    }

    /// Whether a request that came by a time still waits here.
    pub(super) fn has_kept_waiting(&self, since: Option<Instant>) -> bool {
        let oldest = lock(&self.state).queue.get().oldest_request();
        oldest.is_some_and(|oldest| Some(oldest) <= since)
    }

    /// Takes out the requests that came by a time and that another member of the group could take.
    /// They count as open until their senders are told. Also says when the oldest came of those that
    /// stay.
    pub(super) fn take_requests(
        &self,
        shared: &Shared,
        by: Instant,
    ) -> (Vec<Arrival>, Option<Instant>) {
        let mut state = lock(&self.state);
        let taken = state.queue.change(&shared.waiting, |queue| queue.take_requests(by));
        (taken, state.queue.get().oldest_whole_request())
    }

    /// Whether nothing more can come.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    fn wake(&self) {
        let reader = lock(&self.state).reader.take();
        wake(reader);
    }

    /// The next message; nothing once all is read and nothing more will come. It is counted as
    /// taken: whoever gets it sees to [`Shared::handled`].
    ///
    /// A message that was offered, and what its sender sent after it, waits until the sender has
    /// decided. A request whose time has passed is skipped.
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
            let Some(arrival) = state.queue.change(&shared.waiting, Queue::pop) else {
                if self.is_complete() && state.queue.get().is_empty() {
                    return Poll::Ready(None);
                }
                if let Some(waker) = waker {
                    wait_with(&mut state.reader, waker);
                }
                return Poll::Pending;
            };
            let is_needed = arrival.readiness(shared) == Readiness::Ready;
            if is_needed {
                shared.count_taken();
            }
            // Dropping a message locks other things: not under this lock.
            drop(state);
            if is_needed {
                return Poll::Ready(Some(arrival));
            }
            self.give_up(shared, arrival);
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
    pub(super) fn abandon(&self, shared: &Arc<Shared>) -> Vec<Arrival> {
        let mut state = lock(&self.state);
        self.complete.store(true, Ordering::Release);
        shared.begin_giving_back(state.queue.get().len());
        let waiting = state.queue.change(&shared.waiting, Queue::drain);
        drop(state);
        self.completed.notify(usize::MAX);
        self.wake();
        waiting
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).queue.get().len()
    }

    /// How many bytes of packets wait.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        lock(&self.state).queue.get().bytes()
    }
}

/// Notes whom to wake, if it is not noted already.
fn wait_with(reader: &mut Option<Waker>, waker: &Waker) {
    match reader {
        Some(reader) => reader.clone_from(waker),
        None => *reader = Some(waker.clone()),
    }
}

fn wake(reader: Option<Waker>) {
    if let Some(reader) = reader {
        reader.wake();
    }
}
