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
        frame::{ContentType, Head, Request, StreamId},
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

pub(crate) struct Parts {
    pub(crate) service: ServiceName,
    pub(crate) subject: Subject,
    payload: Payload,
    headers: Headers,
}

impl Outgoing {
    pub(crate) fn new(
        handle: Handle,
        to: Result<(ServiceName, Subject), Error>,
        payload: Result<Payload, Error>,
    ) -> Self {
        let parts = to.and_then(|(service, subject)| {
            Ok(Parts { service, subject, payload: payload?, headers: Headers::new() })
        });
        Self { handle, parts }
    }

    pub(crate) fn header(&mut self, key: String, value: String) {
        let added = self.parts.as_mut().map(|parts| parts.headers.add(key, value));
        if let Ok(Err(error)) = added {
            self.parts = Err(error.into());
        }
    }

    /// Checks it and takes a first look at the body.
    pub(crate) async fn prepare(
        self,
        request: Option<Request>,
    ) -> Result<(Ready, Prepared), Error> {
        let parts = self.parts?;
        let shared = self.handle.shared();
        let about = |error: Error| error.about(&parts.service, &parts.subject);
        shared.check_open().map_err(about)?;
        let head = Head {
            source: shared.source.clone(),
            content_type: parts.payload.content_type,
            headers: parts.headers,
            sequence: None,
            request,
        };
        let body = parts.payload.source.prepare(shared.chunk()).await.map_err(about)?;
        let ready =
            Ready { handle: self.handle, service: parts.service, subject: parts.subject, head };
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
        if targets.plain() {
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
