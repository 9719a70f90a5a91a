//! The messages that wait in one binding.

mod charged;
mod layered;
mod offered;
mod state;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use event_listener::Event;

use self::state::{Locked, MailboxState};
use super::{
    Arrival, InboundStream,
    ground::{EventFields, Logged},
    records::Record,
    streams::Readiness,
    waiting::WaitingBytes,
    work::Work,
};
use crate::{
    Subject,
    accept::Gate,
    proto::{BindingId, BindingKind, Label, Queue, frame::Head},
    until::until,
};

pub(crate) struct Mailbox {
    work: Arc<Work>,
    pub(crate) record: Arc<Record>,
    /// How many messages may wait.
    limit: usize,
    state: Mutex<MailboxState>,
    /// The number of messages that wait. Set under the lock.
    count: AtomicUsize,
    /// Whether no more messages will be added. Set under the lock.
    complete: AtomicBool,
    completed: Event,
    /// What the layers of the binding are asked when a message arrives.
    gate: Mutex<Gate>,
    /// How many there are.
    gate_len: AtomicUsize,
}

/// The error of a mailbox that is full or complete, with the message.
pub(super) struct Full(pub(super) Arrival);

impl Mailbox {
    pub(super) fn new(work: Arc<Work>, record: Arc<Record>) -> Self {
        let config = &work.ground.config;
        let queue = Queue::new(config.waiting, config.waiting_bytes_per_binding);
        Self {
            work,
            record,
            limit: queue.room(),
            state: Mutex::new(MailboxState::new(queue)),
            count: AtomicUsize::new(0),
            complete: AtomicBool::new(false),
            completed: Event::new(),
            gate: Mutex::default(),
            gate_len: AtomicUsize::new(0),
        }
    }

    pub(crate) fn id(&self) -> BindingId {
        self.record.id
    }

    pub(super) fn kind(&self) -> BindingKind {
        self.record.kind
    }

    fn budget(&self) -> &WaitingBytes {
        &self.work.ground.waiting
    }

    fn lock(&self) -> Locked<'_> {
        Locked::new(&self.count, &self.state)
    }

    /// Adds a message whose packet had `bytes`.
    pub(super) fn push(&self, arrival: Arrival, bytes: usize) -> Result<(), Full> {
        let mut state = self.lock();
        if self.is_complete() {
            drop(state);
            return Err(Full(arrival));
        }
        let stream = arrival.stream().cloned();
        // If the sender decides after this check, `decided` waits for the lock, and then finds the
        // place.
        let is_undecided = |stream: &InboundStream| stream.readiness() == Readiness::Waiting;
        let label = Label {
            sender: arrival.head.source.instance,
            bytes: bytes as u64,
            request: arrival.replier.as_ref().map(|replier| replier.arrived),
            offered: stream.as_deref().is_some_and(is_undecided),
        };
        match state.queue.push(self.budget(), label, arrival) {
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

    /// Returns whether the reader can take a message without queueing it, since no other waits;
    /// then the message counts as taken. Only the reader may add messages meanwhile.
    pub(super) fn passes(&self, arrival: &Arrival) -> bool {
        if self.count.load(Ordering::Acquire) > 0
            || arrival.readiness(&self.work.ground) != Readiness::Ready
        {
            return false;
        }
        // Count first: a `complete` after the check then finds the message counted.
        self.work.count_taken();
        let passes = !self.complete.load(Ordering::SeqCst);
        if !passes {
            self.work.count_put_back();
        }
        passes
    }

    /// Drops a message that will not be handled. A plain binding that has accepted a body that does
    /// not arrive counts it as lost.
    fn give_up(&self, arrival: Arrival) {
        if self.kind() != BindingKind::Queue && arrival.is_lost() {
            self.lose(&arrival.subject, &arrival.head);
        }
        arrival.refuse();
        drop(arrival);
        self.work.notify_drain();
    }

    /// Counts a message that it did not get.
    pub(super) fn lose(&self, subject: &Subject, head: &Head) {
        let ground = &self.work.ground;
        self.record.lost.add(1);
        ground.counters.lost.add(1);
        ground.log(Logged::Lost, EventFields::about(subject, &head.source, 1));
    }

    /// Returns whether there is room for one more message of `bytes`.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        !self.is_complete() && self.lock().queue.has_room(self.budget(), bytes as u64)
    }

    /// Returns whether a request that arrived at or before `since` still waits.
    pub(super) fn has_kept_waiting(&self, since: Option<Instant>) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let oldest = self.lock().queue.get().oldest_request();
        oldest.is_some_and(|oldest| Some(oldest) <= since)
    }

    /// Takes the requests that arrived at or before `by` and that another member of the group could
    /// take. They count as open until their senders are told. Also returns the arrival time of the
    /// oldest such request that stays.
    pub(super) fn take_requests(&self, by: Instant) -> (Vec<Arrival>, Option<Instant>) {
        let mut state = self.lock();
        let taken = state.queue.change(self.budget(), |queue| queue.take_requests(by));
        (taken, state.queue.get().oldest_whole_request())
    }

    /// Returns whether no more messages can be added.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    fn wake(&self) {
        let reader = self.lock().reader.take();
        wake(reader);
    }

    /// Takes the next message; `None` once all are read and no more can be added. It counts as
    /// taken: the caller must see to [`Work::handled`].
    ///
    /// An offered message, and later ones of its sender, wait until the sender has decided. A
    /// request whose deadline has passed is skipped.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Arrival>> {
        match self.take() {
            Ok(arrival) => Poll::Ready(Some(arrival)),
            Err(state) if self.is_complete() && state.queue.get().is_empty() => Poll::Ready(None),
            Err(mut state) => {
                state.wait_with(cx.waker());
                Poll::Pending
            }
        }
    }

    /// Takes the next message, which counts as taken, or returns how many more there is room for.
    pub(crate) fn take_next(&self) -> Result<Arrival, usize> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Err(self.limit);
        }
        self.take().map_err(|state| state.queue.get().room())
    }

    fn take(&self) -> Result<Arrival, Locked<'_>> {
        loop {
            let mut state = self.lock();
            let Some(arrival) = state.queue.change(self.budget(), Queue::pop) else {
                return Err(state);
            };
            let is_needed = arrival.readiness(&self.work.ground) == Readiness::Ready;
            if is_needed {
                self.work.count_taken();
            }
            // Dropping a message takes other locks, so this one is released first.
            drop(state);
            if is_needed {
                return Ok(arrival);
            }
            self.give_up(arrival);
        }
    }

    /// Accepts no more messages. Those that wait can still be read.
    pub(super) fn complete(&self) {
        let state = self.lock();
        self.complete.store(true, Ordering::SeqCst);
        drop(state);
        self.completed.notify(usize::MAX);
        self.wake();
    }

    /// Waits until no more messages can be added.
    pub(crate) async fn completed(&self) {
        until(&self.completed, || self.is_complete()).await;
    }

    /// Ends reading. Returns the messages that wait, which count as being given back.
    pub(super) fn abandon(&self) -> Vec<Arrival> {
        let mut state = self.lock();
        self.complete.store(true, Ordering::SeqCst);
        self.work.begin_giving_back(state.queue.get().len());
        let waiting = state.queue.change(self.budget(), Queue::drain);
        drop(state);
        self.completed.notify(usize::MAX);
        self.wake();
        waiting
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.get().len()
    }

    /// Returns how many bytes of packets wait.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.lock().queue.get().bytes()
    }
}

fn wake(reader: Option<Waker>) {
    if let Some(reader) = reader {
        reader.wake();
    }
}
