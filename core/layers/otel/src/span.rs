//! The span of a call.

use std::{
    error::Error as StdError,
    fmt::Display,
    time::{Instant, SystemTime},
};

use conduit::{
    Error, ErrorKind, Executed, Failure,
    layer::{Clock, InboundOutcome},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};

/// The span of a call, until it has ended. If it is dropped before, the call was cancelled.
pub(crate) struct CallSpan {
    cx: Context,
    clock: Clock,
    began: (SystemTime, Instant),
    is_request: bool,
    /// When a handler is too late.
    deadline: Option<Instant>,
    has_ended: bool,
}

impl CallSpan {
    /// Takes over the span that has been started in a context.
    pub(crate) fn new(
        cx: Context,
        clock: Clock,
        began: (SystemTime, Instant),
        is_request: bool,
        deadline: Option<Instant>,
    ) -> Self {
        Self { cx, clock, began, is_request, deadline, has_ended: false }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// Ends the span of a call that has succeeded.
    pub(crate) fn complete(mut self) {
        self.set_code("OK".into());
        self.end();
    }

    /// Ends the span of a call that has failed.
    pub(crate) fn fail(mut self, error: &Error) {
        let executed = match error.executed() {
            Executed::No => "no",
            Executed::Maybe => "maybe",
            Executed::Yes => "yes",
        };
        self.set(KeyValue::new("conduit.executed", executed));
        self.note(error.kind(), error, error.failure());
        self.end();
    }

    /// Ends the span of a handler.
    pub(crate) fn end_with(mut self, outcome: &InboundOutcome) {
        if let Some(refusal) = outcome.refusal() {
            let kind = if refusal.is_busy() { ErrorKind::Overloaded } else { ErrorKind::Refused };
            self.note(kind, &refusal.text(), None);
        } else if let Some(panic) = outcome.panic() {
            self.note(ErrorKind::HandlerPanicked, &panic, None);
        } else if let Some(error) = outcome.error() {
            let kind = match error.downcast_ref::<Error>() {
                Some(own) if could_not_decode(own) => ErrorKind::NotDecoded,
                _ => ErrorKind::HandlerFailed,
            };
            self.note(kind, error, failure_of(error).as_ref());
        } else {
            self.set_code("OK".into());
        }
        self.end();
    }

    fn note(&mut self, kind: ErrorKind, text: &dyn Display, failure: Option<&Failure>) {
        if !self.cx.span().is_recording() {
            return;
        }
        let name = format!("{kind:?}");
        self.set(KeyValue::new("error.type", name.clone()));
        self.set_code(name);
        if let Some(failure) = failure.filter(|failure| !failure.code().is_empty()) {
            self.set(KeyValue::new("conduit.failure.code", failure.code().to_owned()));
        }
        self.cx.span().set_status(Status::error(text.to_string()));
    }

    /// Sets the status of a request.
    fn set_code(&self, code: String) {
        if self.is_request && self.cx.span().is_recording() {
            self.set(KeyValue::new("rpc.status_code", code));
        }
    }

    fn set(&self, attribute: KeyValue) {
        self.cx.span().set_attribute(attribute);
    }

    fn end(&mut self) {
        self.has_ended = true;
        let (at, began) = self.began;
        let took = self.clock.now().saturating_duration_since(began);
        self.cx.span().end_with_timestamp(at + took);
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let is_late = self.deadline.is_some_and(|at| self.clock.now() >= at);
        let kind = if is_late { ErrorKind::Deadline } else { ErrorKind::Cancelled };
        self.note(kind, &"it was dropped before its end", None);
        self.end();
    }
}

/// Returns whether it is the error of decoding the message itself. A reply that could not be decoded
/// was executed.
fn could_not_decode(error: &Error) -> bool {
    let is_of_format =
        matches!(error.kind(), ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText);
    is_of_format && error.executed() != Executed::Yes
}

/// Returns the application's failure among an error and its causes.
fn failure_of(error: &(dyn StdError + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        let of_callee = || error.downcast_ref::<Error>().and_then(Error::failure);
        if let Some(failure) = error.downcast_ref().or_else(of_callee) {
            return Some(failure.clone());
        }
        next = error.source();
    }
    None
}
