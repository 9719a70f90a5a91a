//! A body that comes in.

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
    driver::{Mailbox, Shared, shared::lock},
    proto::{
        Budget, Inbound, Place, Read, Reason, ReasonCode,
        frame::{Frame, Source, StreamId},
    },
    transport::{Address, Destination, Target},
};

pub(crate) struct InboundStream {
    key: (StreamId, Port),
    state: Mutex<State>,
    /// The inbox of the sender.
    sender: Arc<Destination>,
    /// Where its message waits for the confirmation.
    mailbox: Option<Arc<Mailbox>>,
    place: OnceLock<Place>,
    changed: Event,
}

struct State {
    machine: Inbound,
    reader: Option<Waker>,
    /// When the driver will look after the machine by itself.
    armed: Option<Instant>,
}

/// Whether the handler of an offered message may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Waiting,
    Ready,
    /// The sender thought better of it.
    Never,
}

impl Shared {
    /// Accepts an offer for a binding.
    pub(in crate::driver) fn accept(
        self: &Arc<Self>,
        stream: StreamId,
        target: Target,
        length: Option<u64>,
        source: &Source,
        mailbox: &Arc<Mailbox>,
    ) -> Result<Arc<InboundStream>, ReasonCode> {
        if self.open_bodies().0 >= self.config.bodies {
            return Err(ReasonCode::Overloaded);
        }
        let port = mailbox.port();
        let limits = self.config.inbound();
        let mut budget = lock(&self.streams.budget);
        let receiver = self.receiver(port);
        let machine =
            Inbound::offered(self.now(), stream, receiver, target, length, limits, &mut budget);
        drop(budget);
        let machine = machine.ok_or(ReasonCode::Overloaded)?;
        mailbox.body_opened();
        Ok(self.open(machine, (stream, port), source, Some(Arc::clone(mailbox))))
    }

    /// Receives the body of a reply.
    pub(in crate::driver) fn receive_reply(
        self: &Arc<Self>,
        stream: StreamId,
        length: Option<u64>,
        source: &Source,
    ) -> Arc<InboundStream> {
        let limits = self.config.inbound();
        let mut budget = lock(&self.streams.budget);
        let receiver = self.receiver(0);
        let machine = Inbound::reply(self.now(), stream, receiver, length, limits, &mut budget);
        drop(budget);
        self.open(machine, (stream, 0), source, None)
    }

    /// Whether there is room for one more streamed reply among an unknown number of them.
    pub(in crate::driver) fn has_room_for_reply(&self) -> bool {
        self.open_bodies().0 < self.config.bodies
            && lock(&self.streams.budget).free() >= self.config.first_window
    }

    fn open(
        self: &Arc<Self>,
        machine: Inbound,
        key: (StreamId, Port),
        source: &Source,
        mailbox: Option<Arc<Mailbox>>,
    ) -> Arc<InboundStream> {
        let stream = Arc::new(InboundStream {
            key,
            state: Mutex::new(State { machine, reader: None, armed: None }),
            sender: self.destinations.get(&Self::inbox_of(source)),
            mailbox,
            place: OnceLock::new(),
            changed: Event::new(),
        });
        lock(&self.streams.inbound).insert(key, Arc::clone(&stream));
        let driven = ForgetOnDrop { shared: Arc::clone(self), stream: Arc::clone(&stream) };
        self.tasks.spawn(async move {
            let ForgetOnDrop { shared, stream } = &driven;
            if let Err(error) = shared.drive(&**stream).await {
                stream.stop(shared, shared.undriven(&error, ReasonCode::Dropped));
            }
        });
        stream
    }

    fn forget_inbound(&self, stream: &InboundStream) {
        let last_word = lock(&stream.state).machine.last_word();
        self.remember_last_word(stream.key, (stream.sender.address().clone(), last_word));
        lock(&self.streams.inbound).remove(&stream.key);
        if let Some(mailbox) = &stream.mailbox {
            mailbox.body_closed();
        }
        self.ended.notify(usize::MAX);
    }

    /// The open streams of a name, whichever binding they are for.
    fn inbound(&self, id: StreamId) -> Vec<Arc<InboundStream>> {
        let table = lock(&self.streams.inbound);
        table
            .range((id, Port::MIN)..=(id, Port::MAX))
            .map(|(_, stream)| Arc::clone(stream))
            .collect()
    }

    pub(in crate::driver) fn inbound_at(
        &self,
        id: StreamId,
        port: Port,
    ) -> Option<Arc<InboundStream>> {
        lock(&self.streams.inbound).get(&(id, port)).cloned()
    }

    /// A frame from the sender of a body.
    pub(in crate::driver) fn handle_sender(&self, frame: Frame) {
        let now = self.now();
        match frame {
            Frame::Confirm { message, port, nonce } => {
                let id = StreamId { message, reply: false };
                if let Some(stream) = self.inbound_at(id, port) {
                    stream.with(self, |machine, _| machine.handle_confirm(now, nonce));
                }
            }
            Frame::Data { stream, offset, body } => {
                for inbound in self.inbound(stream) {
                    let body = body.clone();
                    inbound.with(self, |machine, budget| {
                        machine.handle_data(now, offset, body, budget);
                    });
                }
            }
            Frame::End { stream, length, checksum } => {
                for inbound in self.inbound(stream) {
                    inbound.with(self, |machine, budget| {
                        machine.handle_end(now, length, checksum, budget);
                    });
                }
                self.repeat_last_words(stream);
            }
            Frame::Ping { stream } => {
                for inbound in self.inbound(stream) {
                    inbound.with(self, |machine, _| machine.handle_ping(now));
                }
                self.repeat_last_words(stream);
            }
            Frame::Reset { stream, port, reason } => {
                for inbound in self.inbound(stream) {
                    if port.is_none_or(|port| port == inbound.key.1) {
                        let reason = reason.clone();
                        inbound.with(self, |machine, budget| {
                            machine.handle_reset(now, reason, budget);
                        });
                    }
                }
            }
            _ => {}
        }
    }
}

/// Ends a stream, and takes it out of the tables, when its task is gone, also where the runtime
/// dropped the task.
struct ForgetOnDrop {
    shared: Arc<Shared>,
    stream: Arc<InboundStream>,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        self.stream.stop(&self.shared, ReasonCode::Closed.into());
        self.shared.forget_inbound(&self.stream);
    }
}

impl InboundStream {
    /// Changes the machine, and wakes whoever has to know.
    fn with<T>(&self, shared: &Shared, change: impl FnOnce(&mut Inbound, &mut Budget) -> T) -> T {
        let mut state = lock(&self.state);
        let undecided = state.machine.is_undecided();
        let result = change(&mut state.machine, &mut lock(&shared.streams.budget));
        if self.release(shared, state, undecided) {
            self.changed.notify(usize::MAX);
        }
        result
    }

    /// Unlocks, and wakes the reader and the binding if there is news for them. Returns whether
    /// there is news for the driver.
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
        let wanted = machine.is_readable() && !planted!(LoseWakeup);
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

    /// The sender says again what it wants: its accept was lost.
    pub(in crate::driver) fn offered_again(&self, shared: &Shared) {
        let now = shared.now();
        self.with(shared, |machine, _| machine.handle_offer(now));
    }

    /// The next bytes.
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

    /// The instance that sends it.
    pub(crate) fn sender(&self) -> Option<InstanceId> {
        match self.sender.address() {
            Address::Inbox { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    pub(crate) fn is_reply(&self) -> bool {
        self.key.0.reply
    }

    /// The handler has got its message.
    pub(crate) fn start(&self, shared: &Shared) {
        self.with(shared, |machine, _| machine.start());
    }

    /// The reader is done with it.
    pub(crate) fn leave(&self, shared: &Shared) {
        self.with(shared, Inbound::leave);
    }

    /// Refuses it, where it goes on and no handler has got its message. Returns what tells its
    /// sender so.
    pub(in crate::driver) fn refuse(&self, shared: &Shared) -> Option<(Address, Bytes)> {
        let now = shared.now();
        let stop = self.with(shared, |machine, budget| {
            if machine.failure().is_some() || !machine.is_unstarted() {
                return None;
            }
            machine.stop(ReasonCode::Draining.into(), budget);
            machine.poll_transmit(now)
        });
        Some((self.sender.address().clone(), stop?))
    }

    /// There will be no reader.
    pub(crate) fn stop(&self, shared: &Shared, reason: Reason) {
        self.with(shared, |machine, budget| machine.stop(reason, budget));
    }

    pub(in crate::driver) fn readiness(&self) -> Readiness {
        readiness(&lock(&self.state).machine)
    }

    /// Why its body will never be whole, if so.
    pub(in crate::driver) fn failure(&self) -> Option<ReasonCode> {
        lock(&self.state).machine.failure().map(|reason| reason.code)
    }

    /// Its message has come to wait in its binding.
    pub(in crate::driver) fn waits_at(&self, place: Place) {
        // It comes once.
        self.place.set(place).ok();
    }
}

fn readiness(machine: &Inbound) -> Readiness {
    match (machine.is_undecided(), machine.is_confirmed()) {
        (true, _) if planted!(StartUnconfirmed) => Readiness::Ready,
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
