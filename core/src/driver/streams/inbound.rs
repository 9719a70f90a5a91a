//! An incoming body.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;

use super::{
    admission::OfferQueue,
    drive::{DriveStep, Driven, Sent},
};
use crate::{
    InstanceId,
    driver::{ground::Ground, outlet::Outlet},
    lock::lock,
    proto::{Budget, Inbound, Place, Read, Reason, ReasonCode, frame::StreamId},
    transport::Address,
};

/// The id of the binding that receives a body. Zero is the reader of a reply.
pub(in crate::driver) type Port = u64;

pub(crate) struct InboundStream {
    ground: Arc<Ground>,
    budget: Arc<Mutex<Budget>>,
    key: (StreamId, Port),
    state: Mutex<InboundState>,
    /// The inbox of the sender.
    sender: Arc<Outlet>,
    /// The queue where its message waits for the confirmation.
    queue: Option<Arc<dyn OfferQueue>>,
    place: OnceLock<Place>,
    changed: Event,
}

struct InboundState {
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
        ground: Arc<Ground>,
        budget: Arc<Mutex<Budget>>,
        key: (StreamId, Port),
        machine: Inbound,
        sender: Arc<Outlet>,
        queue: Option<Arc<dyn OfferQueue>>,
    ) -> Self {
        Self {
            ground,
            budget,
            key,
            state: Mutex::new(InboundState { machine, reader: None, armed: None }),
            sender,
            queue,
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
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Inbound, &mut Budget) -> T) -> T {
        let mut state = lock(&self.state);
        let undecided = state.machine.is_undecided();
        let result = change(&mut state.machine, &mut lock(&self.budget));
        if self.release(state, undecided) {
            self.changed.notify(usize::MAX);
        }
        result
    }

    /// Unlocks the machine, and wakes the reader and the binding if needed. Returns whether the
    /// driver has to be woken.
    fn release(&self, mut state: MutexGuard<'_, InboundState>, was_undecided: bool) -> bool {
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
        if let Some(queue) = self.queue.as_ref().filter(|_| decided) {
            queue.decided(&self.place, readiness);
        }
        attention
    }

    /// Handles a repeated offer: the accept was lost.
    pub(in crate::driver) fn offered_again(&self) {
        let now = self.ground.now();
        self.with(|machine, _| machine.handle_offer(now));
    }

    /// Returns the next bytes.
    pub(crate) fn poll_read(&self, cx: &Context<'_>) -> Poll<Read> {
        let mut state = lock(&self.state);
        let read = state.machine.read(&mut lock(&self.budget));
        if read == Read::Pending {
            state.reader = Some(cx.waker().clone());
        }
        if self.release(state, false) {
            self.changed.notify(usize::MAX);
        }
        match read {
            Read::Pending => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    pub(in crate::driver) fn ground(&self) -> &Arc<Ground> {
        &self.ground
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
    pub(crate) fn start(&self) {
        self.with(Inbound::start);
    }

    /// Notes that the reader has dropped it.
    pub(crate) fn leave(&self) {
        self.with(Inbound::leave);
    }

    /// Refuses it, unless it has ended or a handler has its message. Returns the packet that tells
    /// the sender.
    pub(in crate::driver) fn refuse(&self) -> Option<(Address, Bytes)> {
        self.stop_if(ReasonCode::Draining, Inbound::is_unstarted)
    }

    /// Gives way to another offer, unless it is confirmed. Returns the packet that tells the
    /// sender.
    pub(super) fn give_way(&self) -> Option<(Address, Bytes)> {
        self.stop_if(ReasonCode::Overloaded, Inbound::is_undecided)
    }

    fn stop_if(
        &self,
        code: ReasonCode,
        applies: impl Fn(&Inbound) -> bool,
    ) -> Option<(Address, Bytes)> {
        let now = self.ground.now();
        let stop = self.with(|machine, budget| {
            if machine.failure().is_some() || !applies(machine) {
                return None;
            }
            machine.stop(code.into(), budget);
            machine.poll_transmit(now)
        });
        Some((self.sender.address().clone(), stop?))
    }

    /// Releases it. Returns the last word, for later packets of the sender.
    pub(super) fn close(&self) -> (Address, Bytes) {
        let mut state = lock(&self.state);
        let last_word = state.machine.last_word();
        state.machine.close(&mut lock(&self.budget));
        (self.sender.address().clone(), last_word)
    }

    /// Stops it: there is no reader.
    pub(crate) fn stop(&self, reason: Reason) {
        self.with(|machine, budget| machine.stop(reason, budget));
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
    fn step(&self) -> DriveStep {
        let now = self.ground.now();
        let mut state = lock(&self.state);
        let undecided = state.machine.is_undecided();
        state.machine.handle_timeout(now, &mut lock(&self.budget));
        let packet = state.machine.poll_transmit(now);
        let next = state.machine.poll_timeout();
        let finished = state.machine.is_finished();
        state.armed = next;
        self.release(state, undecided);
        match packet {
            Some(packet) => DriveStep::Publish {
                to: Arc::clone(&self.sender),
                packet,
                sent: Sent::Nothing,
                next,
            },
            None if finished => DriveStep::Finished,
            None => DriveStep::Wait(next),
        }
    }

    fn changed(&self) -> &Event {
        &self.changed
    }
}
