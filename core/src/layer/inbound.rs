//! The way of a message through the layers, to its handler.

use std::{
    any::Any, error::Error as StdError, fmt, future::Future, panic::AssertUnwindSafe, sync::Arc,
    time::Instant,
};

use futures_lite::FutureExt;

use super::{
    Around, Clock, Extensions, Refusal,
    erased::{Boxed, DynLayer},
};
use crate::{
    Error, ErrorKind, Failure, Headers, MessageId, Source, Subject,
    driver::Ground,
    error::{Own, panic_text},
    proto::frame::{ContentType, Head},
};

/// A received message without its body, for any encoder.
#[derive(Debug, Clone)]
pub struct Incoming {
    subject: Subject,
    source: Source,
    headers: Headers,
    content_type: Option<ContentType>,
    request: Option<MessageId>,
    extensions: Extensions,
}

impl Incoming {
    pub(crate) fn new(
        head: &Head,
        subject: &Subject,
        request: Option<MessageId>,
        extensions: &Extensions,
    ) -> Self {
        Self {
            subject: subject.clone(),
            source: head.source.clone(),
            headers: head.headers.clone(),
            content_type: head.content_type.clone(),
            request,
            extensions: extensions.clone(),
        }
    }

    /// Returns the subject.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the service and the instance that sent it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns the id of the request; `None` if it is a one-way message.
    #[must_use]
    pub fn request(&self) -> Option<MessageId> {
        self.request
    }

    /// Returns what layers have attached to it.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

/// A message whose handler is about to run, as its layers see it.
#[derive(Debug)]
pub struct InboundCall {
    // Boxed: the futures of the layers move it, and some hold it twice.
    incoming: Box<Incoming>,
    deadline: Option<Instant>,
    clock: Clock,
}

impl InboundCall {
    pub(crate) fn new(incoming: Incoming, deadline: Option<Instant>, ground: &Arc<Ground>) -> Self {
        Self { incoming: Box::new(incoming), deadline, clock: Clock::new(ground) }
    }

    pub(crate) fn into_extensions(self) -> Extensions {
        self.incoming.extensions
    }

    /// Returns the message: its subject, its source, its headers.
    #[must_use]
    pub fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// Returns the service and the instance that handle it.
    #[must_use]
    pub fn receiver(&self) -> &Source {
        self.clock.source()
    }

    /// Returns when the asker stops waiting, if it has a deadline. The handler is dropped then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the extensions, to change them for the handler, and for what it sends on behalf of the
    /// message.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.incoming.extensions
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// What has become of a handler. Its reply, if any, was sent before.
#[must_use = "it is what the asker is told"]
pub struct InboundOutcome(pub(crate) Handled);

pub(crate) enum Handled {
    Done,
    Failed(Box<dyn StdError + Send + Sync>),
    Panicked(Box<dyn Any + Send>),
    Refused(Refusal),
}

impl InboundOutcome {
    /// Creates the outcome of a handler that failed, or of a layer that does not run it, with an
    /// error that the asker gets as one of the handler. If the function was not called, it counts as
    /// not executed.
    pub fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Handled::Failed(error.into()))
    }

    /// Returns whether the handler ended without an error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self.0, Handled::Done)
    }

    /// Returns the error that the handler returned. That of decoding and that of the reply are an
    /// [`Error`](crate::Error).
    #[must_use]
    pub fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        match &self.0 {
            Handled::Failed(error) => Some(&**error),
            _ => None,
        }
    }

    /// Returns the kind of the error that an asker gets for it, `None` if the handler ended without
    /// an error. After the deadline an asker gets [`Deadline`](ErrorKind::Deadline) in any case.
    #[must_use]
    pub fn error_kind(&self) -> Option<ErrorKind> {
        Some(match &self.0 {
            Handled::Done => return None,
            Handled::Failed(error) => {
                let own = Own::within(&**error);
                own.map_or(ErrorKind::HandlerFailed, |own| ErrorKind::of(own.code()))
            }
            Handled::Panicked(_) => ErrorKind::HandlerPanicked,
            Handled::Refused(refusal) => Error::from(refusal.clone()).kind(),
        })
    }

    /// Returns the application's failure that the handler's error contains, of this handler or of one
    /// that it called.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let own = self.error().and_then(|error| Own::within(error))?;
        own.failure().cloned()
    }

    /// Returns the text of the panic, if the handler or a layer panicked.
    #[must_use]
    pub fn panic(&self) -> Option<&str> {
        match &self.0 {
            Handled::Panicked(panic) => Some(panic_text(&**panic)),
            _ => None,
        }
    }

    /// Returns why a layer has not run the handler.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Handled::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<Refusal> for InboundOutcome {
    fn from(refusal: Refusal) -> Self {
        Self(Handled::Refused(refusal))
    }
}

impl fmt::Debug for InboundOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Handled::Done => f.write_str("Done"),
            Handled::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Handled::Panicked(panic) => {
                f.debug_tuple("Panicked").field(&panic_text(&**panic)).finish()
            }
            Handled::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
        }
    }
}

/// The rest of the way of a message: the layers within, and then its handler. It can be run once.
///
/// ```
/// use conduit::{
///     Failure,
///     layer::{InboundCall, InboundNext, InboundOutcome, Layer},
/// };
///
/// /// Whom the message is from. Its handler, and what that sends for it, find it in the extensions.
/// struct User(String);
///
/// struct Login;
///
/// impl Layer for Login {
///     async fn inbound(&self, mut call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
///         let Some(user) = call.incoming().headers().get("user").map(str::to_owned) else {
///             return InboundOutcome::failed(Failure::new("login", "who are you?"));
///         };
///         call.extensions_mut().insert(User(user));
///         next.run(call).await
///     }
/// }
/// ```
pub struct InboundNext<'a> {
    outer: &'a [Arc<dyn DynLayer>],
    inner: &'a [Arc<dyn DynLayer>],
    handler: &'a dyn Handler,
}

/// The handler of one message.
pub(crate) trait Handler: Send + Sync {
    /// Runs it. Called once.
    fn handle(&self, call: InboundCall) -> Boxed<'_, InboundOutcome>;
}

impl<'a> InboundNext<'a> {
    /// Passes the message on, when the future is polled. Dropping the future drops the handler.
    pub fn run(self, call: InboundCall) -> impl Future<Output = InboundOutcome> + Send + use<'a> {
        let mut next = self;
        async move {
            let layers = if next.outer.is_empty() { &mut next.inner } else { &mut next.outer };
            match layers.split_first() {
                Some((layer, within)) => {
                    *layers = within;
                    layer.inbound(call, next).await
                }
                None => next.handler.handle(call).await,
            }
        }
    }
}

impl fmt::Debug for InboundNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundNext")
            .field("layers", &(self.outer.len() + self.inner.len()))
            .finish_non_exhaustive()
    }
}

/// Passes a message through the layers of its conduit, those of its binding, and to its handler.
pub(crate) async fn inbound(around: &Around, handler: &dyn Handler, call: InboundCall) -> Handled {
    let [outer, inner] = around.inbound();
    let next = InboundNext { outer, inner, handler };
    let passed = AssertUnwindSafe(next.run(call)).catch_unwind().await;
    passed.map_or_else(Handled::Panicked, |outcome| outcome.0)
}
