//! A message on its way to its handler, and what becomes of it.

use std::{any::Any, error::Error as StdError, fmt, sync::Arc, time::Instant};

use super::{Clock, Extensions, Refusal};
use crate::{
    Error, ErrorKind, Failure, Headers, MessageId, Source, Subject,
    driver::Ground,
    error::{Own, panic_text},
    proto::frame::{ContentType, Head},
};

/// A received message without its body, for any encoder. Clones share it.
#[derive(Clone)]
pub struct Incoming {
    head: Arc<Head>,
    subject: Subject,
    extensions: Extensions,
}

impl Incoming {
    pub(crate) fn new(head: &Arc<Head>, subject: &Subject, extensions: &Extensions) -> Self {
        let (head, subject) = (Arc::clone(head), subject.clone());
        Self { head, subject, extensions: extensions.clone() }
    }

    /// Returns the subject.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the service and the instance that sent it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.head.source
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns the id of the request; `None` if it is a one-way message.
    #[must_use]
    pub fn request(&self) -> Option<MessageId> {
        Some(self.head.request?.message)
    }

    /// Returns what layers have attached to it.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("subject", &self.subject)
            .field("source", self.source())
            .field("headers", self.headers())
            .field("request", &self.request())
            .finish_non_exhaustive()
    }
}

/// A message whose handler is about to run, as its layers see it.
#[derive(Debug)]
pub struct InboundCall {
    incoming: Incoming,
    deadline: Option<Instant>,
    clock: Clock,
}

impl InboundCall {
    pub(crate) fn new(incoming: Incoming, deadline: Option<Instant>, ground: &Arc<Ground>) -> Self {
        Self { incoming, deadline, clock: Clock::new(ground) }
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
