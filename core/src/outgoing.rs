//! What sends and requests have in common.

use std::sync::Arc;

use crate::{
    Body, Encode, Error, MessageId, ServiceName, Subject,
    body::{Prepared, Source},
    conduit::Handle,
    driver::OutboundStream,
    encoder::encoded,
    proto::{
        Headers, Outbound,
        frame::{ContentType, Frame, Head, Request, StreamId},
    },
    transport::{Address, Targets},
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
    pub(crate) handle: Handle,
    parts: Result<Parts, Error>,
}

struct Parts {
    service: ServiceName,
    subject: Subject,
    source: Source,
    head: Head,
}

impl Outgoing {
    pub(crate) fn new(
        handle: Handle,
        to: Result<(ServiceName, Subject), Error>,
        payload: Result<Payload, Error>,
    ) -> Self {
        let parts = to.and_then(|(service, subject)| {
            let Payload { source, content_type } = payload?;
            let head = Head {
                source: handle.shared().source.clone(),
                content_type,
                headers: Headers::new(),
                sequence: None,
                request: None,
            };
            Ok(Parts { service, subject, source, head })
        });
        Self { handle, parts }
    }

    pub(crate) fn header(&mut self, key: String, value: String) {
        let added = self.parts.as_mut().map(|parts| parts.head.headers.add(key, value));
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
            return Some(Err(closed.about(&parts.service, &parts.subject)));
        }
        // It keeps its number if it has to wait.
        parts.head.sequence = Some(shared.number(&parts.service, &parts.subject));
        let (service, subject) = (parts.service.clone(), parts.subject.clone());
        let to = Address::Subject { service, subject, targets: Targets::Both };
        let published = shared.publish_now(&to, Frame::message(&parts.head, body), None)?;
        Some(published.map_err(|error| error.about(&parts.service, &parts.subject)))
    }

    /// Checks it and takes a first look at the body.
    pub(crate) async fn prepare(
        self,
        request: Option<Request>,
    ) -> Result<(Ready, Prepared), Error> {
        let Parts { service, subject, source, mut head } = self.parts?;
        let shared = self.handle.shared();
        let about = |error: Error| error.about(&service, &subject);
        shared.check_open().map_err(about)?;
        head.request = request;
        let body = source.prepare(shared.chunk()).await.map_err(about)?;
        let ready = Ready { handle: self.handle, service, subject, head };
        Ok((ready, body))
    }
}

/// A message that is about to be sent.
pub(crate) struct Ready {
    pub(crate) handle: Handle,
    pub(crate) service: ServiceName,
    pub(crate) subject: Subject,
    pub(crate) head: Head,
}

impl Ready {
    pub(crate) fn address(&self, targets: Targets) -> Address {
        let (service, subject) = (self.service.clone(), self.subject.clone());
        Address::Subject { service, subject, targets }
    }

    /// The head for a packet that is published now. To plain bindings, which get every message, it
    /// is numbered.
    pub(crate) fn head_to(&self, targets: Targets) -> Head {
        let mut head = self.head.clone();
        if targets.plain() && head.sequence.is_none() {
            let shared = self.handle.shared();
            head.sequence = Some(shared.number(&self.service, &self.subject));
        }
        head
    }

    /// Offers the body to the bindings of the subject, once it is driven.
    pub(crate) fn offer(
        &self,
        message: MessageId,
        length: Option<u64>,
        targets: Targets,
        expect: Option<usize>,
    ) -> Arc<OutboundStream> {
        let shared = self.handle.shared();
        let limits = shared.config.outbound(expect);
        let head = self.head_to(targets);
        let machine = Outbound::offer(shared.now(), message, head, targets, length, limits);
        let id = StreamId { message, reply: false };
        shared.outbound(id, machine, self.service.clone(), Some(self.subject.clone()))
    }
}
