//! The parts that sends and requests share.

use std::sync::Arc;

use crate::{
    Body, Encode, Error, Headers, MessageId,
    driver::{Endpoint, OutboundStream},
    error::encoded,
    handle::Open,
    producer::{Prepared, Producer},
    proto::{
        Outbound,
        frame::{ContentType, Head, Request, Single, StreamId},
    },
    transport::Targets,
};

/// A body, with its content type if an encoder made it.
pub(crate) struct Payload {
    pub(crate) producer: Producer,
    pub(crate) content_type: Option<ContentType>,
}

impl Payload {
    pub(crate) fn raw(body: Body) -> Self {
        Self { producer: body.into_producer(), content_type: None }
    }

    pub(crate) fn encode<E: Encode<T>, T: ?Sized>(encoder: &E, value: &T) -> Result<Self, Error> {
        let (content_type, bytes) = encoded(encoder, value)?;
        let producer = Body::from(bytes).into_producer();
        Ok(Self { producer, content_type: Some(content_type) })
    }
}

/// A message that has not been sent. Errors in its parts are reported on sending.
pub(crate) struct Outgoing {
    pub(crate) handle: Open,
    parts: Result<Parts, Error>,
}

struct Parts {
    to: Arc<Endpoint>,
    producer: Producer,
    content_type: Option<ContentType>,
    headers: Headers,
}

impl Outgoing {
    pub(crate) fn new(
        handle: Open,
        to: Result<Arc<Endpoint>, Error>,
        payload: Result<Payload, Error>,
    ) -> Self {
        let parts = to.and_then(|to| {
            let Payload { producer, content_type } = payload?;
            Ok(Parts { to, producer, content_type, headers: Headers::new() })
        });
        Self { handle, parts }
    }

    pub(crate) fn header(&mut self, key: String, value: String) {
        let added = self.parts.as_mut().map(|parts| parts.headers.add(key, value));
        if let Ok(Err(error)) = added {
            self.parts = Err(error.into());
        }
    }

    /// Checks the message, and separates its body from the rest.
    pub(crate) fn check(self, request: Option<Request>) -> Result<(Ready, Producer), Error> {
        let Self { handle, parts } = self;
        let Parts { to, producer: body, content_type, headers } = parts?;
        let shared = handle.shared();
        shared.check_open().map_err(|error| to.about(error))?;
        let source = shared.source.clone();
        let head = Head { source, content_type, headers, sequence: None, request };
        Ok((Ready { handle, to, head }, body))
    }
}

/// A message that is about to be sent.
pub(crate) struct Ready {
    pub(crate) handle: Open,
    pub(crate) to: Arc<Endpoint>,
    pub(crate) head: Head,
}

impl Ready {
    /// Sends the message in one packet, if its body is in memory and fits, and without waiting.
    pub(crate) fn send_now(&mut self, body: &Producer) -> Option<Result<(), Error>> {
        let shared = self.handle.shared();
        let body = body.whole(shared.chunk()).filter(|_| shared.is_ready())?;
        self.number(Targets::Both);
        let shared = self.handle.shared();
        let sent = shared.send_now(&self.to, &Single::Message(self.head.borrowed(), body))?;
        Some(sent.map_err(Error::from))
    }

    /// Checks whether the body fits one packet.
    pub(crate) async fn prepare(&self, body: Producer) -> Result<Prepared, Error> {
        let prepared = body.prepare(self.handle.shared().chunk()).await;
        prepared.map_err(|error| self.to.about(error))
    }

    /// Numbers the message if it goes to plain bindings, which receive every message. Called just
    /// before it is published; a message that then has to wait keeps its number.
    pub(crate) fn number(&mut self, targets: Targets) {
        if targets.plain() && self.head.sequence.is_none() {
            self.head.sequence = Some(self.to.number());
        }
    }

    /// Creates a stream that offers the body to the bindings of the subject, once it is driven.
    pub(crate) fn offer(
        &mut self,
        message: MessageId,
        length: Option<u64>,
        targets: Targets,
        expect: Option<usize>,
    ) -> Arc<OutboundStream> {
        self.number(targets);
        let head = self.head.clone();
        let shared = self.handle.shared();
        let limits = shared.config.outbound(expect);
        let nonces = shared.nonces.clone();
        let machine = Outbound::offer(shared.now(), message, head, targets, length, nonces, limits);
        let id = StreamId { message, reply: false };
        let (service, subject) = (self.to.service(), self.to.subject());
        shared.streams.outbound(id, machine, service.clone(), Some(subject.clone()))
    }
}
