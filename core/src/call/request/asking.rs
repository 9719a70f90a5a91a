//! A request in progress.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use futures_lite::FutureExt;

use crate::{
    Body, Error, ErrorKind, Executed, MessageId,
    call::outgoing::{Outgoing, Ready},
    delivery,
    driver::{Answer, NoAnswer, OutboundStream, Pending, RequestStep, Room, Shared},
    producer::{Prepared, Producer},
    proto::{
        Asker, AskerLimits, ReasonCode,
        frame::{Frame, Request},
    },
    transport::Targets,
};

/// Which answers a request takes.
pub(super) enum Takes {
    First,
    /// The answers of all plain bindings.
    All {
        limits: AskerLimits,
        room: Room,
        /// The expected number of answers, if known.
        expect: Option<usize>,
    },
}

/// A request in progress. Dropping it before its end cancels it at all receivers.
pub(super) struct Asking {
    message: MessageId,
    pub(super) ready: Ready,
    /// The body of each packet that carries the request; empty if the body is streamed.
    body: Bytes,
    upload: Option<Arc<OutboundStream>>,
    deadline: Option<Instant>,
    pub(super) pending: Arc<Pending>,
    has_ended: bool,
}

impl Asking {
    /// Starts a request.
    ///
    /// # Errors
    /// `Closed`; then nothing was sent.
    pub(super) fn begin(
        message: MessageId,
        ready: Ready,
        prepared: Prepared,
        deadline: Option<Instant>,
        takes: &Takes,
    ) -> Result<Self, Error> {
        let shared = Arc::clone(ready.handle.shared());
        let now = shared.now();
        let (lanes, limits, room) = match takes {
            Takes::First => (ready.to.lanes(shared.age(now)), shared.config.asker(), None),
            Takes::All { limits, room, .. } => (&[Targets::Plain][..], *limits, Some(*room)),
        };
        let asker = match &prepared {
            Prepared::Whole(_) => Asker::whole(now, lanes, deadline, limits),
            Prepared::Streamed(_) => Asker::streamed(now, deadline, limits),
        };
        let asker = if room.is_some() { asker.all() } else { asker };
        let credit = ready.head.request.map_or(0, |request| request.credit);
        let pending = Pending::new(message, Arc::clone(&ready.to), asker, room, credit);
        let pending = Arc::new(pending);
        shared.requests.expect(message, &pending);
        let (body, upload) = (Bytes::new(), None);
        let mut asking = Self { message, ready, body, upload, deadline, pending, has_ended: false };
        // Closing ends the requests it finds; one registered after that has to check by itself.
        shared.check_open().map_err(|error| asking.ready.to.about(error))?;
        match prepared {
            Prepared::Whole(body) => {
                asking.ready.number(Targets::Plain);
                asking.body = body;
            }
            Prepared::Streamed(producer) => asking.upload(producer, takes),
        }
        Ok(asking)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.ready.handle.shared()
    }

    /// Marks the request as ended: there is nothing left to cancel.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Ends the request without an answer, and cancels it at all receivers. Returns whether a
    /// handler may have been executed.
    pub(super) fn give_up(&mut self) -> Executed {
        self.has_ended = true;
        // Before the body is aborted, whose failure would count as an answer.
        self.pending.cancel(self.shared());
        if let Some(upload) = &self.upload {
            upload.abort(ReasonCode::Cancelled.into());
        }
        self.executed()
    }

    /// Returns whether a handler may have been executed. For a streamed body that depends on
    /// whether a receiver was confirmed; a request of one packet may have been executed.
    fn executed(&self) -> Executed {
        self.upload.as_ref().map_or(Executed::Maybe, |upload| upload.executed())
    }

    /// Sends the body in the background, since answers may come first.
    fn upload(&mut self, producer: Producer, takes: &Takes) {
        let (targets, expect) = match takes {
            Takes::First => (Targets::Both, None),
            Takes::All { expect, .. } => (Targets::Plain, *expect),
        };
        let stream = self.ready.offer(self.message, producer.length(), targets, expect);
        self.upload = Some(Arc::clone(&stream));
        let (pending, shared) = (Arc::clone(&self.pending), Arc::clone(self.shared()));
        self.shared().tasks.spawn(async move {
            let errors = match shared.streams.send(&stream, producer).await {
                Ok(outcome) if pending.takes_all() => delivery::errors_of_all(&outcome),
                Ok(outcome) => delivery::request_error(&outcome).into_iter().collect(),
                Err(error) => vec![error],
            };
            errors.into_iter().for_each(|error| pending.was_not_sent(&shared, error));
            pending.was_asked(&shared);
        });
    }

    /// Waits for the next answer, which is an error if the request cannot be published.
    ///
    /// Not cancel safe: if dropped while a packet is being published, the next call may publish it
    /// again.
    pub(super) async fn next(&mut self) -> Result<Result<Answer, Error>, NoAnswer> {
        loop {
            match self.step().await {
                RequestStep::Answer(Err(error)) => return Ok(Err(self.beside_plain(error))),
                RequestStep::Answer(answer) => return Ok(answer),
                RequestStep::NoAnswer(no_answer) => return Err(no_answer),
                RequestStep::Ask(targets) => {
                    if let Err(error) = self.publish(targets).await {
                        return Ok(Err(error));
                    }
                }
            }
        }
    }

    /// Corrects an error that reports that no handler was executed, for plain bindings that were
    /// confirmed as receivers of the body.
    fn beside_plain(&self, error: Error) -> Error {
        match &self.upload {
            Some(upload) if error.executed() == Executed::No && !self.pending.takes_all() => {
                // Abort first: a receiver that is not confirmed by then never will be.
                upload.abort(ReasonCode::Cancelled.into());
                error.with_executed(upload.executed_by_plain())
            }
            _ => error,
        }
    }

    async fn publish(&mut self, targets: Targets) -> Result<(), Error> {
        let Self { ready, body, pending, deadline, message, .. } = self;
        let Ready { handle, to, head } = ready;
        let shared = handle.shared();
        if let Some(request) = &mut head.request
            && pending.is_repeated()
        {
            request.time_left = deadline.map(|at| at.saturating_duration_since(shared.now()));
        }
        let packet = || Frame::message(head.borrowed(), body);
        let token = shared.token(*message, targets);
        let outlet = shared.destinations.of(to, targets);
        let published = shared.publish(&outlet, to.both(), packet, Some(token), *deadline).await;
        published.map_err(|error| match error.executed() {
            Executed::No => error.with_executed(pending.executed_by_others()),
            _ => error,
        })?;
        pending.was_asked(shared);
        Ok(())
    }

    /// Waits for something to publish, or an answer.
    fn step(&self) -> impl Future<Output = RequestStep> {
        let mut armed = None;
        poll_fn(move |cx| {
            let shared = self.shared();
            loop {
                if let Poll::Ready(step) = self.pending.poll_step(cx) {
                    return Poll::Ready(step);
                }
                if shared.is_closed() {
                    let closed = Error::from(ErrorKind::Closed).with_executed(self.executed());
                    return Poll::Ready(RequestStep::Answer(Err(closed)));
                }
                let Some(at) = self.pending.poll_timeout() else {
                    return Poll::Pending;
                };
                let sleep = match &mut armed {
                    Some((until, sleep)) if *until == at => sleep,
                    other => &mut other.insert((at, shared.sleep_until(at))).1,
                };
                // It completes early if the conduit is closed, which ends all timers.
                ready!(sleep.poll(cx));
                self.pending.handle_timeout(shared);
            }
        })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.shared().requests.forget(self.message);
        if !self.has_ended {
            self.give_up();
        }
    }
}

/// Checks a request, and separates its body from the rest.
pub(super) fn check(
    outgoing: Outgoing,
    deadline: Option<Instant>,
    takes_all: bool,
) -> Result<(MessageId, Ready, Body), Error> {
    let shared = outgoing.handle.shared();
    let now = shared.now();
    let message = shared.message_id();
    let time_left = deadline.map(|at| at.saturating_duration_since(now));
    let credit = shared.requests.first_credit(takes_all);
    let request = Request { message, time_left, credit };
    let (ready, body) = outgoing.check(Some(request))?;
    Ok((message, ready, body))
}

/// Checks whether the body fits one packet, and waits until replies can arrive.
pub(super) async fn prepare(
    ready: &Ready,
    body: Body,
    deadline: Option<Instant>,
) -> Result<Prepared, Error> {
    let shared = ready.handle.shared();
    let body = ready.prepare(body).await?;
    shared.ready(deadline).await.map_err(|error| ready.to.about(error))?;
    Ok(body)
}
