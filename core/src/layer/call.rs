use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Around, Clock, Extensions, Incoming, Layer};
use crate::{
    Body, Headers, ServiceName, Source, Subject,
    driver::{Endpoint, Replier},
    handle::Open,
    proto::frame::ContentType,
};

/// The kinds of [`OutboundCall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// A one-way message: a send.
    OneWay,
    /// A request that takes one reply.
    Request,
    /// A request that takes the replies of all plain bindings.
    RequestAll,
    /// A reply to a request.
    Reply,
}

/// A message that is about to leave, as its layers see it.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{
///     Error,
///     layer::{Layer, Next, OutboundCall, Outcome},
/// };
///
/// /// Names the user, gives reports five seconds, and tries once more what was not executed.
/// struct Reports(String);
///
/// impl Layer for Reports {
///     async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
///         if call.subject().as_str() != "report" {
///             return next.run(call).await;
///         }
///         if let Err(error) = call.headers_mut().set("user", &*self.0) {
///             return Error::from(error).into();
///         }
///         call.shorten_deadline(call.clock().now() + Duration::from_secs(5));
///         let again = call.try_clone(); // `None` for a body that is not in memory
///         let outcome = next.run(call).await;
///         match again {
///             Some(call) if outcome.error().is_some_and(Error::is_retryable) => next.run(call).await,
///             _ => outcome,
///         }
///     }
/// }
/// ```
// Boxed: the futures of the layers move it, and some hold it twice.
pub struct OutboundCall(pub(crate) Box<Call>);

pub(crate) struct Call {
    kind: CallKind,
    pub(crate) handle: Open,
    pub(crate) to: To,
    pub(crate) headers: Headers,
    pub(crate) content_type: Option<ContentType>,
    pub(crate) body: Body,
    pub(crate) deadline: Option<Instant>,
    pub(crate) options: Options,
    pub(super) context: Context,
    extensions: Extensions,
}

/// Where a call goes.
#[derive(Clone)]
pub(crate) enum To {
    Endpoint(Arc<Endpoint>),
    /// To the asker, with the subject of the request.
    Asker(Arc<Replier>, Subject),
}

/// How a call is made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) expect: Option<usize>,
    pub(crate) silence: Option<Duration>,
    pub(crate) confirm: bool,
    /// Layers see this one.
    pub(crate) is_by_contract: bool,
}

/// What a call has of the client or message that it is made with: the layers, and the message that has
/// caused it. Clones share them; without any it is empty.
#[derive(Clone, Default)]
pub(crate) struct Context(Option<Arc<Origin>>);

#[derive(Clone, Default)]
struct Origin {
    around: Around,
    cause: Option<Incoming>,
}

impl Context {
    pub(crate) fn new(around: Around, cause: Option<Incoming>) -> Self {
        let is_empty = around.is_empty() && cause.is_none();
        Self((!is_empty).then(|| Arc::new(Origin { around, cause })))
    }

    /// Returns whether there are layers around what leaves.
    #[inline]
    pub(crate) fn is_layered(&self) -> bool {
        self.0.as_ref().is_some_and(|origin| origin.around.has_outbound())
    }

    pub(crate) fn around(&self) -> Option<&Around> {
        Some(&self.0.as_ref()?.around)
    }

    pub(crate) fn cause(&self) -> Option<&Incoming> {
        self.0.as_ref()?.cause.as_ref()
    }

    /// Adds a layer within the others.
    pub(crate) fn push(&mut self, layer: impl Layer) {
        Arc::make_mut(self.0.get_or_insert_default()).around.push(layer);
    }
}

impl OutboundCall {
    #[inline]
    pub(crate) fn new(
        kind: CallKind,
        handle: Open,
        to: To,
        headers: Headers,
        content_type: Option<ContentType>,
        body: Body,
        context: Context,
    ) -> Self {
        let extensions = context.cause().map(|cause| cause.extensions().clone());
        Self(Box::new(Call {
            kind,
            handle,
            to,
            headers,
            content_type,
            body,
            deadline: None,
            options: Options::default(),
            context,
            extensions: extensions.unwrap_or_default(),
        }))
    }
}

impl OutboundCall {
    /// Returns the kind of call.
    #[must_use]
    pub fn kind(&self) -> CallKind {
        self.0.kind
    }

    /// Returns the service that it goes to. For a reply, that of the asker.
    #[must_use]
    pub fn service(&self) -> &ServiceName {
        match &self.0.to {
            To::Endpoint(to) => to.service(),
            To::Asker(replier, _) => &replier.asker.service,
        }
    }

    /// Returns the subject. For a reply, that of the request.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        match &self.0.to {
            To::Endpoint(to) => to.subject(),
            To::Asker(_, subject) => subject,
        }
    }

    /// Returns whether the call is made by a [`Contract`](crate::Contract): its subject is one that the
    /// program declares, so that layers can use it as a name or a label whatever other subjects there
    /// are.
    #[must_use]
    pub fn is_by_contract(&self) -> bool {
        self.0.options.is_by_contract
    }

    /// Returns the service and the instance that make the call.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.0.handle.shared().source
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Returns the headers, to change them.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.0.headers
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.0.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns the deadline, if there is one: a request has one by default.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Sets the deadline, unless there is an earlier one. A send or a reply that passes its deadline
    /// fails as a request does.
    pub fn shorten_deadline(&mut self, at: Instant) {
        self.0.deadline = Some(self.0.deadline.map_or(at, |deadline| deadline.min(at)));
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.0.body
    }

    /// Replaces the body by what a function makes of it. The content type stays.
    pub fn map_body<B: Into<Body>>(&mut self, map: impl FnOnce(Body) -> B) {
        let body = std::mem::replace(&mut self.0.body, Body::empty());
        self.0.body = map(body).into();
    }

    /// Returns the extensions. A call that a handler makes on behalf of its message begins with those
    /// of the message.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// Returns the extensions, to change them for the layers within.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.0.extensions
    }

    /// Returns the message that has caused the call: the request of a reply, or the message that
    /// [`Message::service`](crate::Message::service) was called on.
    #[must_use]
    pub fn cause(&self) -> Option<&Incoming> {
        self.0.context.cause()
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.0.handle.shared().ground())
    }

    /// Copies the call, for another try. `None` if its body is not in memory, and can only be sent
    /// once. The copies share the body.
    #[must_use]
    pub fn try_clone(&mut self) -> Option<Self> {
        let body = self.0.body.share()?;
        Some(Self(Box::new(Call {
            handle: self.0.handle.clone(),
            to: self.0.to.clone(),
            headers: self.0.headers.clone(),
            content_type: self.0.content_type.clone(),
            body,
            deadline: self.0.deadline,
            options: self.0.options,
            extensions: self.0.extensions.clone(),
            context: self.0.context.clone(),
            kind: self.0.kind,
        })))
    }
}

impl fmt::Debug for OutboundCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundCall")
            .field("kind", &self.0.kind)
            .field("service", self.service())
            .field("subject", self.subject())
            .field("headers", &self.0.headers)
            .field("body", &self.0.body)
            .finish_non_exhaustive()
    }
}
