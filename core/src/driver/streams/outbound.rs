//! An outgoing body.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use event_listener::Event;
use futures_lite::future;

use super::{
    Streams,
    drive::{DriveStep, Driven, Sent, drive, undriven},
    stall::Stall,
    turns::Turns,
};
use crate::{
    Error, ErrorKind, Executed, ServiceName, Subject,
    driver::ground::Ground,
    error::Causes,
    lock::lock,
    producer::Producer,
    proto::{
        Outbound, Outcome, Paths, Reason, ReasonCode, Recipient,
        frame::{Receiver, StreamId},
    },
    transport::{Address, Target, Targets, Token},
};

pub(crate) struct OutboundStream {
    ground: Arc<Ground>,
    id: StreamId,
    machine: Mutex<Outbound>,
    /// The receiving service.
    service: ServiceName,
    /// The subject; `None` for a reply, which goes to an inbox only.
    subject: Option<Subject>,
    turns: Arc<Turns>,
    changed: Arc<Event>,
    /// Notified when the producer may have room again.
    room: Event,
    stall: Stall,
}

impl Streams {
    /// Registers a body, so that packets from receivers find it. It is removed when
    /// [`send`](Self::send) ends.
    pub(crate) fn outbound(
        &self,
        id: StreamId,
        machine: Outbound,
        service: ServiceName,
        subject: Option<Subject>,
    ) -> Arc<OutboundStream> {
        let machine = Mutex::new(machine);
        let stream = Arc::new(OutboundStream {
            ground: Arc::clone(&self.ground),
            id,
            machine,
            service,
            subject,
            turns: Arc::clone(&self.turns),
            changed: Arc::default(),
            room: Event::new(),
            stall: Stall::default(),
        });
        self.turns.add(id, Arc::clone(&stream.changed));
        lock(&self.outbound).insert(id, Arc::clone(&stream));
        stream
    }

    /// Sends a body, until its outcome is final.
    ///
    /// # Errors
    /// If it could not even be offered; all else is in the outcome.
    pub(crate) async fn send(
        &self,
        stream: &OutboundStream,
        mut producer: Producer,
    ) -> Result<Outcome, Error> {
        let forget = ForgetOutboundOnDrop { streams: self, stream };
        // Closing ends the bodies it finds; one registered after that has to check by itself.
        self.ground.check_open()?;
        let feed = async {
            stream.feed(&mut producer).await;
            future::pending().await
        };
        let driven = future::or(drive(&self.ground, stream), feed).await;
        if let Err(error) = driven {
            stream.abort(undriven(&self.ground, &error, ReasonCode::Cancelled));
            // An offer alone does not start a handler.
            return Err(error.with_executed(stream.executed()));
        }
        drop(forget);
        let outcome = lock(&stream.machine).outcome();
        outcome.ok_or_else(|| ErrorKind::Closed.into())
    }

    /// Resets an aborted body at its receivers, without waiting.
    fn reset_receivers(&self, stream: &OutboundStream) {
        let now = self.ground.now();
        let said: Vec<_> = stream.with_paths(|machine, paths| {
            let said = std::iter::from_fn(|| machine.poll_transmit(now, paths)).collect();
            machine.close(now, paths);
            said
        });
        for transmit in said {
            if let Some(to) = stream.address(transmit.to) {
                self.ground.post_packet(to, transmit.packet, None);
            }
        }
    }
}

/// Removes a stream from the tables on drop, and resets it if it was not finished.
struct ForgetOutboundOnDrop<'a> {
    streams: &'a Streams,
    stream: &'a OutboundStream,
}

impl Drop for ForgetOutboundOnDrop<'_> {
    fn drop(&mut self) {
        let Self { streams, stream } = self;
        stream.abort(ReasonCode::Cancelled.into());
        streams.reset_receivers(stream);
        let now = streams.ground.now();
        stream.stall.end(now, &streams.ground);
        let until = now + streams.ground.config.idle_limit;
        let service = stream.service.clone();
        lock(&streams.sent).insert(now, until, stream.id, service);
        streams.ground.cleanup_flag.set();
        lock(&streams.outbound).remove(&stream.id);
        streams.turns.remove(stream.id);
        streams.ground.ended.notify(usize::MAX);
    }
}

impl OutboundStream {
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Outbound) -> T) -> T {
        let result = change(&mut lock(&self.machine));
        self.changed.notify(usize::MAX);
        self.room.notify(usize::MAX);
        result
    }

    /// Changes the machine and what all bodies have on the way, likewise.
    pub(super) fn with_paths<T>(&self, change: impl FnOnce(&mut Outbound, &mut Paths) -> T) -> T {
        let mut machine = lock(&self.machine);
        let (result, woken) = self.turns.with(|paths| change(&mut machine, paths));
        drop(machine);
        woken.wake();
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

    pub(super) fn stalled(&self, now: Instant) -> Duration {
        self.stall.so_far(now)
    }

    /// Feeds the machine from the producer, as it has room, until the end.
    async fn feed(&self, producer: &mut Producer) {
        loop {
            let room = self.room().await;
            match producer.next(room.min(self.ground.piece())).await {
                Ok(Some(bytes)) => self.with(|machine| machine.push(bytes)),
                Ok(None) => return self.with(Outbound::finish),
                Err(error) => {
                    let reason = Reason::new(ReasonCode::BodyFailed, Causes(&error).to_string());
                    // A failing reply is reported to its asker.
                    let is_reply = self.id.reply;
                    let reason = if is_reply { self.ground.config.told(reason) } else { reason };
                    return self.abort(reason);
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
    fn step(&self) -> DriveStep {
        let now = self.ground.now();
        let mut machine = lock(&self.machine);
        let full = machine.capacity() == 0;
        machine.limit_chunk(self.ground.piece());
        let (next, woken) = self.turns.with(|paths| {
            machine.handle_timeout(now, paths);
            let mut packets = std::iter::from_fn(|| machine.poll_transmit(now, paths));
            packets.find_map(|transmit| Some((self.address(transmit.to)?, transmit)))
        });
        // The end of the join window may release buffered chunks; nothing else notifies of that.
        let has_room = full && machine.capacity() > 0;
        let timeout = machine.poll_timeout();
        let finished = next.is_none() && machine.outcome().is_some();
        let waits = next.is_none() || self.stall.is_running();
        let lacks_credit = !finished && waits && machine.lacks_credit();
        drop(machine);
        self.stall.note(now, lacks_credit, &self.ground);
        woken.wake();
        if has_room {
            self.room.notify(usize::MAX);
        }
        let Some((to, transmit)) = next else {
            return if finished { DriveStep::Finished } else { DriveStep::Wait(timeout) };
        };
        let sent = match (transmit.offer, transmit.confirm) {
            (Some(target), _) => Sent::Offer(target),
            (None, Some(receiver)) => Sent::Confirm(receiver),
            (None, None) => Sent::Nothing,
        };
        let to = self.ground.destinations.get(&to);
        DriveStep::Publish { to, packet: transmit.packet, sent, next: timeout }
    }

    fn offered(&self, target: Target) {
        let now = self.ground.now();
        self.with(|machine| machine.handle_offered(now, target));
    }

    fn confirming(&self, receiver: Receiver) -> bool {
        lock(&self.machine).handle_confirming(receiver)
    }

    fn not_confirmed(&self, receiver: Receiver) {
        lock(&self.machine).handle_not_confirmed(receiver);
    }

    fn token(&self, target: Target) -> Option<Token> {
        Some(self.ground.token(self.id.message, Targets::from(target)))
    }

    fn changed(&self) -> &Event {
        &self.changed
    }
}
