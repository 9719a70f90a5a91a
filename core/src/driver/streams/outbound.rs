//! An outgoing body.

use std::sync::{Arc, Mutex};

use event_listener::Event;
use futures_lite::future;

use super::{Driven, Sent, Step};
use crate::{
    Error, ErrorKind, Executed, MessageId, ServiceName, Subject,
    body::Source,
    driver::{Shared, ground::lock},
    error::Causes,
    proto::{
        Outbound, Outcome, Reason, ReasonCode, Recipient,
        frame::{Frame, Receiver, StreamId},
    },
    transport::{Address, Target, Targets, Token},
};

pub(crate) struct OutboundStream {
    id: StreamId,
    machine: Mutex<Outbound>,
    /// The receiving service.
    service: ServiceName,
    /// The subject; `None` for a reply, which goes to an inbox only.
    subject: Option<Subject>,
    changed: Event,
    /// Notified when the source may have room again.
    room: Event,
}

impl Shared {
    /// Registers a body, so that packets from receivers find it. It is removed when `send_body`
    /// ends.
    pub(crate) fn outbound(
        &self,
        id: StreamId,
        machine: Outbound,
        service: ServiceName,
        subject: Option<Subject>,
    ) -> Arc<OutboundStream> {
        let machine = Mutex::new(machine);
        let stream = Arc::new(OutboundStream {
            id,
            machine,
            service,
            subject,
            changed: Event::new(),
            room: Event::new(),
        });
        lock(&self.streams.outbound).insert(id, Arc::clone(&stream));
        stream
    }

    /// Sends a body, until its outcome is final.
    ///
    /// # Errors
    /// If it could not even be offered; all else is in the outcome.
    pub(crate) async fn send_body(
        &self,
        stream: &OutboundStream,
        mut source: Source,
    ) -> Result<Outcome, Error> {
        let forget = ForgetOnDrop { shared: self, stream };
        // Closing ends the bodies it finds; one registered after that has to check by itself.
        self.check_open()?;
        let feed = async {
            stream.feed(self, &mut source).await;
            future::pending().await
        };
        let driven = future::or(self.drive(stream), feed).await;
        if let Err(error) = driven {
            stream.abort(self.undriven(&error, ReasonCode::Cancelled));
            // An offer alone does not start a handler.
            return Err(error.with_executed(stream.executed()));
        }
        drop(forget);
        let outcome = lock(&stream.machine).outcome();
        outcome.ok_or_else(|| ErrorKind::Closed.into())
    }

    /// Resets an aborted body at its receivers, without waiting.
    fn reset_receivers(&self, stream: &OutboundStream) {
        let now = self.now();
        let mut machine = lock(&stream.machine);
        let said: Vec<_> = std::iter::from_fn(|| machine.poll_transmit(now)).collect();
        drop(machine);
        for transmit in said {
            if let Some(to) = stream.address(transmit.to) {
                self.post_packet(to, transmit.packet, None);
            }
        }
    }

    pub(in crate::driver) fn outbound_at(&self, id: StreamId) -> Option<Arc<OutboundStream>> {
        lock(&self.streams.outbound).get(&id).cloned()
    }

    /// Handles a frame from a receiver of a body.
    pub(in crate::driver) fn handle_receiver(&self, frame: Frame) {
        let now = self.now();
        let (id, receiver) = match &frame {
            Frame::Accept { message, receiver, .. } => {
                (StreamId { message: *message, reply: false }, *receiver)
            }
            Frame::Credit { stream, receiver, .. } | Frame::Stop { stream, receiver, .. } => {
                (*stream, *receiver)
            }
            _ => return,
        };
        let Some(stream) = self.outbound_at(id) else {
            return self.tell_gone(id, receiver, &frame);
        };
        stream.with(|machine| match frame {
            Frame::Accept { target, credit, .. } => {
                machine.handle_accept(now, receiver, target, credit);
            }
            Frame::Credit { receipt, .. } => {
                machine.handle_credit(now, receiver, &receipt);
            }
            Frame::Stop { target, reason, .. } => {
                machine.handle_stop(now, receiver, target, reason);
            }
            _ => {}
        });
    }

    /// Handles the notice that an offer had no receiver.
    pub(in crate::driver) fn handle_undelivered_offer(&self, message: MessageId, targets: Targets) {
        let id = StreamId { message, reply: false };
        if let Some(stream) = self.outbound_at(id) {
            let now = self.now();
            stream.with(|machine| machine.handle_undelivered(now, targets));
        }
    }

    /// Resets a stream that is finished here, for a receiver that still expects data.
    fn tell_gone(&self, id: StreamId, receiver: Receiver, frame: &Frame) {
        let is_done = matches!(frame, Frame::Credit { receipt, .. } if receipt.done);
        if is_done || matches!(frame, Frame::Stop { .. }) {
            return;
        }
        let service = lock(&self.streams.sent).get(self.now(), &id).cloned();
        if let Some(service) = service {
            let code = match frame {
                Frame::Accept { .. } => ReasonCode::Late,
                _ => ReasonCode::Gone,
            };
            let reset = Frame::Reset { stream: id, port: Some(receiver.port), reason: code.into() };
            self.post(Address::inbox(&service, receiver.instance), &reset);
        }
    }
}

/// Removes a stream from the tables on drop, and resets it if it was not finished.
struct ForgetOnDrop<'a> {
    shared: &'a Shared,
    stream: &'a OutboundStream,
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        let Self { shared, stream } = self;
        stream.abort(ReasonCode::Cancelled.into());
        shared.reset_receivers(stream);
        let now = shared.now();
        let until = now + shared.config.idle_limit;
        let service = stream.service.clone();
        lock(&shared.streams.sent).insert(now, until, stream.id, service);
        shared.untidy.set();
        lock(&shared.streams.outbound).remove(&stream.id);
        shared.ended.notify(usize::MAX);
    }
}

impl OutboundStream {
    fn with<T>(&self, change: impl FnOnce(&mut Outbound) -> T) -> T {
        let result = change(&mut lock(&self.machine));
        self.changed.notify(usize::MAX);
        self.room.notify(usize::MAX);
        result
    }

    /// Returns whether a handler may have been executed, which requires a confirmed receiver. After
    /// an abort, no further receiver is confirmed.
    pub(crate) fn executed(&self) -> Executed {
        if lock(&self.machine).is_confirmed() { Executed::Maybe } else { Executed::No }
    }

    /// Returns the same for the handlers of plain bindings.
    pub(crate) fn executed_by_plain(&self) -> Executed {
        let is_confirmed = lock(&self.machine).is_confirmed_at(Target::Plain);
        if is_confirmed { Executed::Maybe } else { Executed::No }
    }

    /// Aborts the body.
    pub(crate) fn abort(&self, reason: Reason) {
        self.with(|machine| machine.abort(reason));
    }

    pub(in crate::driver) fn held(&self) -> u64 {
        lock(&self.machine).held()
    }

    /// Feeds the machine from the source, as it has room, until the end.
    async fn feed(&self, shared: &Shared, source: &mut Source) {
        loop {
            let room = self.room().await;
            match source.next(room.min(shared.piece())).await {
                Ok(Some(bytes)) => self.with(|machine| machine.push(bytes)),
                Ok(None) => return self.with(Outbound::finish),
                Err(error) => {
                    let reason = Reason::new(ReasonCode::SourceFailed, Causes(&error).to_string());
                    // A failing reply is reported to its asker.
                    let is_reply = self.id.reply;
                    return self.abort(if is_reply { shared.config.told(reason) } else { reason });
                }
            }
        }
    }

    async fn room(&self) -> usize {
        let mut listener = None;
        loop {
            let room = lock(&self.machine).capacity();
            match (room, listener.take()) {
                (0, None) => listener = Some(self.room.listen()),
                (0, Some(listening)) => listening.await,
                (room, _) => return room,
            }
        }
    }

    fn address(&self, to: Recipient) -> Option<Address> {
        let service = self.service.clone();
        Some(match to {
            Recipient::Inbox(instance) => Address::Inbox { service, instance },
            Recipient::Bindings(target) => {
                Address::Subject { service, subject: self.subject.clone()?, targets: target.into() }
            }
        })
    }
}

impl Driven for OutboundStream {
    fn step(&self, shared: &Shared) -> Step {
        let now = shared.now();
        let mut machine = lock(&self.machine);
        let full = machine.capacity() == 0;
        machine.limit_chunk(shared.piece());
        machine.handle_timeout(now);
        // The end of the join window may release buffered chunks; nothing else notifies of that.
        if full && machine.capacity() > 0 {
            self.room.notify(usize::MAX);
        }
        while let Some(transmit) = machine.poll_transmit(now) {
            if let Some(to) = self.address(transmit.to) {
                let next = machine.poll_timeout();
                drop(machine);
                let to = shared.destinations.get(&to);
                let sent = match (transmit.offer, transmit.confirm) {
                    (Some(target), _) => Sent::Offer(target),
                    (None, Some(receiver)) => Sent::Confirm(receiver),
                    (None, None) => Sent::Nothing,
                };
                return Step::Publish { to, packet: transmit.packet, sent, next };
            }
        }
        if machine.outcome().is_some() {
            return Step::Finished;
        }
        Step::Wait(machine.poll_timeout())
    }

    fn offered(&self, shared: &Shared, target: Target) {
        let now = shared.now();
        self.with(|machine| machine.handle_offered(now, target));
    }

    fn confirming(&self, receiver: Receiver) -> bool {
        lock(&self.machine).handle_confirming(receiver)
    }

    fn not_confirmed(&self, receiver: Receiver) {
        lock(&self.machine).handle_not_confirmed(receiver);
    }

    fn token(&self, shared: &Shared, target: Target) -> Option<Token> {
        Some(shared.token(self.id.message, Targets::from(target)))
    }

    fn changed(&self) -> &Event {
        &self.changed
    }
}
