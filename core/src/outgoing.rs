//! What sends and requests have in common.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Body, Encode, Error, MessageId, ServiceName, Subject,
    body::{Prepared, Source},
    driver::{OutboundStream, Shared},
    encoder::encoded,
    handle::Open,
    proto::{
        Headers, Outbound,
        frame::{ContentType, Frame, Head, HeadRef, Request, StreamId},
    },
    transport::{Address, Destination, Targets},
};

/// A body, and what made it.
pub(crate) struct Payload {
    pub(crate) source: Source,
    pub(crate) content_type: Option<ContentType>,
}

impl Payload {
    pub(crate) fn raw(body: Body) -> Self {
        Self { source: body.into_source(), content_type: None }
    }

    pub(crate) fn encode<E: Encode<T>, T: ?Sized>(encoder: &E, value: &T) -> Result<Self, Error> {
        let (content_type, bytes) = encoded(encoder, value)?;
        let source = Body::from(bytes).into_source();
        Ok(Self { source, content_type: Some(content_type) })
    }
}

/// A message that has not been sent. What was wrong with it is reported when it is.
pub(crate) struct Outgoing {
    pub(crate) handle: Open,
    parts: Result<Parts, Error>,
}

struct Parts {
    to: To,
    source: Source,
    content_type: Option<ContentType>,
    headers: Headers,
    sequence: Option<u64>,
}

impl Outgoing {
    pub(crate) fn new(
        handle: Open,
        to: Result<To, Error>,
        payload: Result<Payload, Error>,
    ) -> Self {
        let parts = to.and_then(|to| {
            let Payload { source, content_type } = payload?;
            Ok(Parts { to, source, content_type, headers: Headers::new(), sequence: None })
        });
        Self { handle, parts }
    }

    pub(crate) fn header(&mut self, key: String, value: String) {
        let added = self.parts.as_mut().map(|parts| parts.headers.add(key, value));
        if let Ok(Err(error)) = added {
            self.parts = Err(error.into());
        }
    }

    /// Sends it in one packet, if its body is there and fits, and if nobody has to be waited for.
    pub(crate) fn send_now(&mut self) -> Option<Result<(), Error>> {
        let parts = self.parts.as_mut().ok()?;
        let shared = self.handle.shared();
        let body = parts.source.whole(shared.chunk()).filter(|_| shared.is_ready())?;
        if let Err(closed) = shared.check_open() {
            return Some(Err(parts.to.about(closed)));
        }
        // It keeps its number if it has to wait.
        parts.sequence = Some(parts.to.0.number());
        let head = HeadRef {
            source: &shared.source,
            content_type: parts.content_type.as_ref(),
            headers: &parts.headers,
            sequence: parts.sequence,
            request: None,
        };
        let published = shared.publish_now(&parts.to.0, Frame::message(head, body), None)?;
        Some(published.map_err(|error| parts.to.about(error)))
    }

    /// Checks it, and gives its body apart from the rest.
    pub(crate) fn check(self, request: Option<Request>) -> Result<(Ready, Source), Error> {
        let Self { handle, parts } = self;
        let Parts { to, source: body, content_type, headers, sequence } = parts?;
        let shared = handle.shared();
        shared.check_open().map_err(|error| to.about(error))?;
        let source = shared.source.clone();
        let head = Head { source, content_type, headers, sequence, request };
        Ok((Ready { handle, to, head }, body))
    }
}

/// A message that is about to be sent.
pub(crate) struct Ready {
    pub(crate) handle: Open,
    pub(crate) to: To,
    pub(crate) head: Head,
}

impl Ready {
    /// Takes a first look at its body.
    pub(crate) async fn prepare(&self, body: Source) -> Result<Prepared, Error> {
        let prepared = body.prepare(self.handle.shared().chunk()).await;
        prepared.map_err(|error| self.to.about(error))
    }

    /// It is published now. To plain bindings, which get every message, it is numbered.
    pub(crate) fn number(&mut self, targets: Targets) {
        if targets.plain() && self.head.sequence.is_none() {
            self.head.sequence = Some(self.to.0.number());
        }
    }

    /// Offers the body to the bindings of the subject, once it is driven.
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
        let (service, subject) = self.to.names();
        shared.outbound(id, machine, service.clone(), Some(subject.clone()))
    }
}

/// The plain bindings and the group of a subject.
#[derive(Clone)]
pub(crate) struct To(Arc<Destination>);

impl To {
    pub(crate) fn new(shared: &Shared, service: ServiceName, subject: Subject) -> Self {
        let address = Address::Subject { service, subject, targets: Targets::Both };
        Self(shared.destinations.get(&address))
    }

    fn names(&self) -> (&ServiceName, &Subject) {
        match self.0.address() {
            Address::Subject { service, subject, .. } => (service, subject),
            _ => unreachable!("messages go to subjects"),
        }
    }

    pub(crate) fn service(&self) -> &ServiceName {
        self.names().0
    }

    pub(crate) fn subject(&self) -> &Subject {
        self.names().1
    }

    pub(crate) fn address(&self, targets: Targets) -> Address {
        let (service, subject) = self.names();
        Address::Subject { service: service.clone(), subject: subject.clone(), targets }
    }

    /// Some of the bindings.
    pub(crate) fn with(&self, shared: &Shared, targets: Targets) -> Arc<Destination> {
        match targets {
            Targets::Both => Arc::clone(&self.0),
            targets => shared.destinations.get(&self.address(targets)),
        }
    }

    /// Where a request goes, packet by packet. Whether plain bindings got it is told by a notice of
    /// their own only, and it matters where the group may refuse it.
    pub(crate) fn lanes(&self, shared: &Shared, now: Instant) -> &'static [Targets] {
        match self.0.is_apart(shared.age(now)) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// The group has refused a request, and may refuse others.
    pub(crate) fn note_refusal(&self, shared: &Shared, now: Instant) {
        /// How long that is thought of.
        const LATELY: Duration = Duration::from_secs(60);
        self.0.keep_apart(shared.age(now + LATELY));
    }

    pub(crate) fn about(&self, error: Error) -> Error {
        let (service, subject) = self.names();
        error.about(service, subject)
    }
}
