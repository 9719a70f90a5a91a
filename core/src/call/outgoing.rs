//! The parts that sends and requests share.

use std::{sync::Arc, time::Instant};

use futures_lite::future;

use crate::{
    Body, Encode, Error, ErrorKind, Headers, MessageId, Subject,
    driver::{Endpoint, OutboundStream, Shared},
    error::encoded,
    handle::Open,
    layer::{self, Around, Begun, Boxed, Call, CallKind, Context, OutboundCall, To},
    producer::Prepared,
    proto::{
        Outbound, ReasonCode,
        frame::{ContentType, Head, HeadRef, Request, Single, StreamId},
    },
    transport::Targets,
};

/// A body, with its content type if an encoder made it.
pub(crate) struct Payload {
    pub(crate) body: Body,
    pub(crate) content_type: Option<ContentType>,
}

impl Payload {
    pub(crate) fn raw(body: Body) -> Self {
        Self { body, content_type: None }
    }

    #[inline]
    pub(crate) fn encode<E: Encode<T>, T: ?Sized>(encoder: &E, value: &T) -> Result<Self, Error> {
        let (content_type, bytes) = encoded(encoder, value)?;
        Ok(Self { body: bytes.into(), content_type: Some(content_type) })
    }
}

/// A message that has not been sent. Errors in its parts are reported on sending.
pub(crate) struct Outgoing {
    pub(crate) handle: Open,
    parts: Result<Parts, Error>,
    context: Context,
}

struct Parts {
    to: Arc<Endpoint>,
    body: Body,
    content_type: Option<ContentType>,
    headers: Headers,
    /// Whether the subject is that of a contract.
    is_by_contract: bool,
}

impl Outgoing {
    #[inline]
    pub(crate) fn new(
        handle: Open,
        to: Result<Arc<Endpoint>, Error>,
        payload: Result<Payload, Error>,
        context: Context,
    ) -> Self {
        let parts = to.and_then(|to| {
            let Payload { body, content_type } = payload?;
            Ok(Parts { to, body, content_type, headers: Headers::new(), is_by_contract: false })
        });
        Self { handle, parts, context }
    }

    /// Notes whether the subject is that of a contract, for layers.
    #[inline]
    pub(crate) fn by_contract(mut self, is_by_contract: bool) -> Self {
        if let Ok(parts) = &mut self.parts {
            parts.is_by_contract = is_by_contract;
        }
        self
    }

    /// Returns the layers of the conduit, through which its replies pass on.
    pub(super) fn of_conduit(&self) -> Around {
        self.context.around().map(Around::of_conduit).unwrap_or_default()
    }

    /// Returns the subject.
    pub(super) fn subject(&self) -> Result<Subject, Error> {
        match &self.parts {
            Ok(parts) => Ok(parts.to.subject().clone()),
            Err(error) => Err(Error::copy_of(error)),
        }
    }

    /// Makes a call of it, which `change` completes, and passes it through the layers.
    pub(super) fn pass_layers(
        self,
        kind: CallKind,
        send: fn(OutboundCall) -> Begun,
        change: impl FnOnce(&mut OutboundCall),
    ) -> Result<Boxed<'static, layer::Outcome>, Error> {
        let Self { handle, parts, context } = self;
        let Parts { to, body, content_type, headers, is_by_contract } = parts?;
        let to = To::Endpoint(to);
        let mut call = OutboundCall::new(kind, handle, to, headers, content_type, body, context);
        change(&mut call);
        call.0.options.is_by_contract = is_by_contract;
        Ok(layer::outbound(send, call))
    }

    /// Makes a message of a call that has passed the layers.
    #[inline]
    pub(super) fn of_call(call: OutboundCall) -> Self {
        let Call { handle, to, body, content_type, headers, .. } = *call.0;
        let parts = match to {
            To::Endpoint(to) => {
                Ok(Parts { to, body, content_type, headers, is_by_contract: false })
            }
            To::Asker(..) => Err(layer::Outcome::of_another_call()),
        };
        Self { handle, parts, context: Context::default() }
    }

    /// Returns whether there are layers on its way.
    #[inline]
    pub(super) fn is_layered(&self) -> bool {
        self.context.is_layered()
    }

    pub(crate) fn header(&mut self, key: &str, value: &str) {
        let added = self.parts.as_mut().map(|parts| parts.headers.add(key, value));
        if let Ok(Err(error)) = added {
            self.parts = Err(error.into());
        }
    }

    /// Sends the message in one packet, as [`send_now`] does.
    #[inline]
    pub(super) fn send_now(&self, number: &mut Option<u64>) -> Option<Result<(), Error>> {
        // What is wrong is reported by `check`.
        let Parts { to, body, content_type, headers, .. } = self.parts.as_ref().ok()?;
        send_now(self.handle.shared(), to, body, content_type.as_ref(), headers, number)
    }

    /// Checks the message, and separates its body from the rest.
    pub(crate) fn check(self, request: Option<Request>) -> Result<(Ready, Body), Error> {
        let Self { handle, parts, .. } = self;
        let Parts { to, body, content_type, headers, .. } = parts?;
        let shared = handle.shared();
        shared.check_open().map_err(|error| to.about(error))?;
        let source = shared.source.clone();
        let head = Head { source, content_type, headers, sequence: None, request };
        Ok((Ready { handle, to, head }, body))
    }
}

/// Sends a message in one packet, if its body is in memory and fits, and without waiting. `number` is
/// set when it is numbered: it keeps its number if it then has to wait.
#[inline]
fn send_now(
    shared: &Shared,
    to: &Arc<Endpoint>,
    body: &Body,
    content_type: Option<&ContentType>,
    headers: &Headers,
    number: &mut Option<u64>,
) -> Option<Result<(), Error>> {
    let can_send = shared.is_ready() && shared.check_open().is_ok();
    let body = body.whole(shared.chunk()).filter(|_| can_send)?;
    let number = *number.get_or_insert_with(|| to.number());
    let head = HeadRef {
        source: &shared.source,
        content_type,
        headers,
        sequence: Some(number),
        request: None,
    };
    let message = match to.usual_head(head) {
        Some(head) => Single::Numbered(head, number, body),
        None => Single::Message(head, body),
    };
    let sent = shared.send_now(to, &message)?;
    Some(sent.map_err(|error| to.about(error.into())))
}

/// Sends the message of a call that has passed the layers, as [`send_now`] does.
#[inline]
pub(super) fn send_call_now(
    call: &OutboundCall,
    number: &mut Option<u64>,
) -> Option<Result<(), Error>> {
    let Call { handle, to: To::Endpoint(to), body, content_type, headers, .. } = &*call.0 else {
        return None;
    };
    send_now(handle.shared(), to, body, content_type.as_ref(), headers, number)
}

/// A message that is about to be sent.
pub(crate) struct Ready {
    pub(crate) handle: Open,
    pub(crate) to: Arc<Endpoint>,
    pub(crate) head: Head,
}

impl Ready {
    /// Checks whether the body fits one packet.
    pub(crate) async fn prepare(&self, body: Body) -> Result<Prepared, Error> {
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

/// Aborts a body at a deadline.
pub(super) async fn in_time<T>(
    shared: &Shared,
    stream: &OutboundStream,
    deadline: Option<Instant>,
    sending: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = async {
        shared.passed(deadline).await;
        if shared.is_closed() {
            // It was not the deadline, and the body is being aborted.
            future::pending::<()>().await;
        }
        stream.abort(ReasonCode::Deadline.into());
        Err(Error::from(ErrorKind::Deadline).with_executed(stream.executed()))
    };
    future::or(sending, late).await
}
