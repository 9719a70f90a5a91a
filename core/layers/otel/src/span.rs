//! The span of a call.

use std::{
    fmt::Display,
    sync::Arc,
    time::{Instant, SystemTime},
};

use conduit::{
    Error, ErrorKind, Executed, Failure, ServiceName, Subject,
    layer::{Clock, InboundOutcome},
};
use conduit_layers::Names;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer},
};

/// A tracer without its type, whose spans need no box.
pub(crate) trait Start: Send + Sync {
    fn start(&self, span: SpanBuilder, parent: &Context) -> Started;
}

pub(crate) enum Started {
    /// It is recorded: the context within it.
    Recorded(Context),
    /// It is not: its ids, which go on.
    Unrecorded(SpanContext),
}

impl<T: Tracer<Span: Send + Sync + 'static> + Send + Sync> Start for T {
    fn start(&self, span: SpanBuilder, parent: &Context) -> Started {
        let span = self.build_with_context(span, parent);
        if span.is_recording() {
            return Started::Recorded(parent.with_span(span));
        }
        Started::Unrecorded(span.span_context().clone())
    }
}

/// Returns how a span begins: its kind and name, and what is known of it.
pub(crate) fn describe(
    kind: SpanKind,
    name: &Arc<str>,
    called: (&ServiceName, &Subject),
) -> SpanBuilder {
    let operation = match kind {
        SpanKind::Producer => Some("send"),
        SpanKind::Consumer => Some("process"),
        _ => None,
    };
    let (title, mut attributes) = match operation {
        Some(operation) => {
            let mut title = String::with_capacity(operation.len() + 1 + name.len());
            title.push_str(operation);
            title.push(' ');
            title.push_str(name);
            let attributes = vec![
                KeyValue::new("messaging.system", "conduit"),
                KeyValue::new("messaging.operation.name", operation),
                KeyValue::new("messaging.operation.type", operation),
                KeyValue::new("messaging.destination.name", Arc::clone(name)),
            ];
            (title, attributes)
        }
        None => {
            let attributes = vec![
                KeyValue::new("rpc.system.name", "conduit"),
                KeyValue::new("rpc.method", Arc::clone(name)),
            ];
            ((**name).to_owned(), attributes)
        }
    };
    if **name == *Names::OTHER {
        let (service, subject) = called;
        attributes.push(KeyValue::new("rpc.method_original", format!("{service}/{subject}")));
    }
    SpanBuilder {
        name: title.into(),
        span_kind: Some(kind),
        attributes: Some(attributes),
        ..SpanBuilder::default()
    }
}

/// The recorded span of a call, until it has ended. If it is dropped before, the call was cancelled.
pub(crate) struct CallSpan {
    cx: Context,
    call: Call,
    began: (SystemTime, Instant),
    has_ended: bool,
}

/// What its span has to know of a call.
pub(crate) struct Call {
    pub(crate) clock: Clock,
    pub(crate) is_request: bool,
    /// When a handler is too late.
    pub(crate) deadline: Option<Instant>,
}

impl CallSpan {
    /// Takes over the span that has just been started in a context.
    pub(crate) fn new(cx: Context, call: Call) -> Self {
        let began = (SystemTime::now(), call.clock.now());
        Self { cx, call, began, has_ended: false }
    }

    /// Returns the context within the span.
    pub(crate) fn context(&self) -> Context {
        self.cx.clone()
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
            Some(kind) => {
                let text = match (outcome.error(), outcome.refusal()) {
                    (Some(error), _) => error.to_string(),
                    (_, Some(refusal)) => refusal.text().to_owned(),
                    _ => outcome.panic().unwrap_or_default().to_owned(),
                };
                self.note(kind, &text, outcome.failure().as_ref());
            }
            None => self.set_code("OK".into()),
        }
        self.end();
    }

    fn note(&mut self, kind: ErrorKind, text: &dyn Display, failure: Option<&Failure>) {
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
        if self.call.is_request {
            self.set(KeyValue::new("rpc.status_code", code));
        }
    }

    fn set(&self, attribute: KeyValue) {
        self.cx.span().set_attribute(attribute);
    }

    fn end(&mut self) {
        self.has_ended = true;
        let (at, began) = self.began;
        let took = self.call.clock.now().saturating_duration_since(began);
        self.cx.span().end_with_timestamp(at + took);
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let is_late = self.call.deadline.is_some_and(|at| self.call.clock.now() >= at);
        let kind = if is_late { ErrorKind::Deadline } else { ErrorKind::Cancelled };
        self.note(kind, &"it was dropped before its end", None);
        self.end();
    }
}
