//! The span of a call.

use std::{
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

    /// Returns whether its end matters to anyone.
    pub(crate) fn is_recording(&self) -> bool {
        self.cx.span().is_recording()
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
        match outcome.error_kind() {
            Some(kind) if self.is_recording() => {
                let text = match (outcome.error(), outcome.refusal()) {
                    (Some(error), _) => error.to_string(),
                    (_, Some(refusal)) => refusal.text().to_owned(),
                    _ => outcome.panic().unwrap_or_default().to_owned(),
                };
                self.note(kind, &text, outcome.failure().as_ref());
            }
            Some(_) => {}
            None => self.set_code("OK".into()),
        }
        self.end();
    }

    fn note(&mut self, kind: ErrorKind, text: &dyn Display, failure: Option<&Failure>) {
        if !self.is_recording() {
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
        if self.is_request && self.is_recording() {
            self.set(KeyValue::new("rpc.status_code", code));
        }
    }

    fn set(&self, attribute: KeyValue) {
        self.cx.span().set_attribute(attribute);
    }

    fn end(&mut self) {
        self.has_ended = true;
        if !self.is_recording() {
            return;
        }
        let (at, began) = self.began;
        let took = self.clock.now().saturating_duration_since(began);
        self.cx.span().end_with_timestamp(at + took);
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if self.has_ended || !self.is_recording() {
            return;
        }
        let is_late = self.deadline.is_some_and(|at| self.clock.now() >= at);
        let kind = if is_late { ErrorKind::Deadline } else { ErrorKind::Cancelled };
        self.note(kind, &"it was dropped before its end", None);
        self.end();
    }
}
