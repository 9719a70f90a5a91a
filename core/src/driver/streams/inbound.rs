//! An incoming body.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;

use super::{Driven, Port, Sent, Step};
use crate::{
    InstanceId,
    driver::{Mailbox, Shared, ground::lock},
    proto::{Budget, Inbound, Place, Read, Reason, ReasonCode, frame::StreamId},
    transport::{Address, Destination},
};

pub(crate) struct InboundStream {
    key: (StreamId, Port),
    state: Mutex<State>,
    /// The inbox of the sender.
    sender: Arc<Destination>,
    /// The mailbox where its message waits for the confirmation.
    mailbox: Option<Arc<Mailbox>>,
    place: OnceLock<Place>,
    changed: Event,
}

struct State {
    machine: Inbound,
    reader: Option<Waker>,
    /// The timeout that the driver waits for.
    armed: Option<Instant>,
}

/// Whether the handler of an offered message may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Waiting,
    Ready,
    /// The sender has withdrawn the message.
    Never,
}

impl InboundStream {
    pub(super) fn new(
        key: (StreamId, Port),
        machine: Inbound,
        sender: Arc<Destination>,
        mailbox: Option<Arc<Mailbox>>,
    ) -> Self {
        Self {
            key,
            state: Mutex::new(State { machine, reader: None, armed: None }),
            sender,
            mailbox,
            place: OnceLock::new(),
            changed: Event::new(),
        }
    }

    pub(super) fn key(&self) -> (StreamId, Port) {
        self.key
    }

    pub(super) fn port(&self) -> Port {
        self.key.1
    }

    /// Changes the machine, and wakes the reader, the binding and the driver as needed.
    pub(super) fn with<T>(
        &self,
        shared: &Shared,
        change: impl FnOnce(&mut Inbound, &mut Budget) -> T,
    ) -> T {
        let mut state = lock(&self.state);
        let undecided = state.machine.is_undecided();
        let result = change(&mut state.machine, &mut lock(&shared.streams.budget));
        if self.release(shared, state, undecided) {
            self.changed.notify(usize::MAX);
        }
        result
    }

    /// Unlocks the machine, and wakes the reader and the binding if needed. Returns whether the
    /// driver has to be woken.
    fn release(
        &self,
        shared: &Shared,
        mut state: MutexGuard<'_, State>,
        was_undecided: bool,
    ) -> bool {
        let machine = &state.machine;
        let sooner = match (machine.poll_timeout(), state.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, armed) => next != armed,
        };
        let attention = sooner || machine.is_due() || machine.is_finished();
        let decided = was_undecided && !machine.is_undecided();
        let readiness = readiness(machine);
        let wanted = machine.is_readable();
        let reader = if wanted { state.reader.take() } else { None };
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        if let Some(mailbox) = self.mailbox.as_ref().filter(|_| decided) {
            mailbox.decided(shared, &self.place, readiness);
        }
        attention
    }

    /// Handles a repeated offer: the accept was lost.
    pub(in crate::driver) fn offered_again(&self, shared: &Shared) {
        let now = shared.now();
        self.with(shared, |machine, _| machine.handle_offer(now));
    }

    /// Returns the next bytes.
    pub(crate) fn poll_read(&self, shared: &Shared, cx: &Context<'_>) -> Poll<Read> {
        let mut state = lock(&self.state);
        let read = state.machine.read(&mut lock(&shared.streams.budget));
        if read == Read::Pending {
            state.reader = Some(cx.waker().clone());
        }
        if self.release(shared, state, false) {
            self.changed.notify(usize::MAX);
        }
        match read {
            Read::Pending => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    /// Returns the instance that sends it.
    pub(crate) fn sender(&self) -> Option<InstanceId> {
        match self.sender.address() {
            Address::Inbox { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    pub(crate) fn is_reply(&self) -> bool {
        self.key.0.reply
    }

    /// Notes that the handler has its message.
    pub(crate) fn start(&self, shared: &Shared) {
        self.with(shared, Inbound::start);
    }

    /// Notes that the reader has dropped it.
    pub(crate) fn leave(&self, shared: &Shared) {
        self.with(shared, Inbound::leave);
    }

    /// Refuses it, unless it has ended or a handler has its message. Returns the packet that tells
    /// the sender.
    pub(in crate::driver) fn refuse(&self, shared: &Shared) -> Option<(Address, Bytes)> {
        self.stop_if(shared, ReasonCode::Draining, Inbound::is_unstarted)
    }

    /// Gives way to another offer, unless it is confirmed. Returns the packet that tells the
    /// sender.
    pub(super) fn give_way(&self, shared: &Shared) -> Option<(Address, Bytes)> {
        self.stop_if(shared, ReasonCode::Overloaded, Inbound::is_undecided)
    }

    fn stop_if(
        &self,
        shared: &Shared,
        code: ReasonCode,
        applies: impl Fn(&Inbound) -> bool,
    ) -> Option<(Address, Bytes)> {
        let now = shared.now();
        let stop = self.with(shared, |machine, budget| {
            if machine.failure().is_some() || !applies(machine) {
                return None;
            }
            machine.stop(code.into(), budget);
            machine.poll_transmit(now)
        });
        Some((self.sender.address().clone(), stop?))
    }

    /// Releases it. Returns the last word, for later packets of the sender.
    pub(super) fn close(&self, shared: &Shared) -> (Address, Bytes) {
        let mut state = lock(&self.state);
        let last_word = state.machine.last_word();
        state.machine.close(&mut lock(&shared.streams.budget));
        (self.sender.address().clone(), last_word)
    }

    /// Stops it: there is no reader.
    pub(crate) fn stop(&self, shared: &Shared, reason: Reason) {
        self.with(shared, |machine, budget| machine.stop(reason, budget));
    }

    pub(in crate::driver) fn readiness(&self) -> Readiness {
        readiness(&lock(&self.state).machine)
    }

    /// Returns why the body has failed, if it has.
    pub(in crate::driver) fn failure(&self) -> Option<ReasonCode> {
        lock(&self.state).machine.failure().map(|reason| reason.code)
    }

    /// Notes the place in the binding's queue where its message waits.
    pub(in crate::driver) fn waits_at(&self, place: Place) {
        // Set once.
        self.place.set(place).ok();
    }
}

fn readiness(machine: &Inbound) -> Readiness {
    match (machine.is_undecided(), machine.is_confirmed()) {
        (true, _) => Readiness::Waiting,
        (false, true) => Readiness::Ready,
        (false, false) => Readiness::Never,
    }
}

impl Driven for InboundStream {
    fn step(&self, shared: &Shared) -> Step {
        let now = shared.now();
        let mut state = lock(&self.state);
        let undecided = state.machine.is_undecided();
        state.machine.handle_timeout(now, &mut lock(&shared.streams.budget));
        let packet = state.machine.poll_transmit(now);
        let next = state.machine.poll_timeout();
        let finished = state.machine.is_finished();
        state.armed = next;
        self.release(shared, state, undecided);
        match packet {
            Some(packet) => {
                Step::Publish { to: Arc::clone(&self.sender), packet, sent: Sent::Nothing, next }
            }
            None if finished => Step::Finished,
            None => Step::Wait(next),
        }
    }

    fn changed(&self) -> &Event {
        &self.changed
    }
}
