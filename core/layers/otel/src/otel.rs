use std::{fmt, sync::Arc};

use conduit::{
    Headers,
    layer::{
        CallKind, End, Extensions, InboundCall, InboundNext, InboundOutcome, Layer, Next,
        OutboundCall, Outcome,
    },
};
use conduit_layers::Names;
use opentelemetry::{
    Context, InstrumentationScope,
    context::FutureExt,
    global,
    propagation::TextMapPropagator,
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};

use crate::{
    W3c,
    carrier::Propagator,
    span::{Call, CallSpan, Start, Started, describe},
};

/// The version of the conventions.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.45.0";
/// How many subjects are named at the client, if there is no list.
const FIRST: usize = 100;
/// How many subjects that a service binds are named.
const BOUND: usize = 1_000;

/// Makes a span of each call and of each handler, and passes the trace on from one to the other.
///
/// Add it to the conduit, outside of layers that try again if one span is to cover all tries, within
/// them if each try is to have its own.
///
/// # Spans
/// By the conventions of OpenTelemetry, version 1.45:
///
/// | what | kind | name | parent |
/// | --- | --- | --- | --- |
/// | a request, a request to all | `CLIENT` | `service/subject` | the current span |
/// | the handler of a request | `SERVER` | `service/subject` | the request |
/// | a send | `PRODUCER` | `send service/subject` | the current span |
/// | the handler of a one-way message | `CONSUMER` | `process service/subject` | the send, and a link to it |
///
/// A span ends with the last byte: of the reply, of a streamed body that is sent, or of the reply that
/// a handler streams. A reply has no span of its own, nor has a message that a loop takes with
/// [`next`](conduit::Binding::next): [`Otel::parent`] returns the context that it came with.
///
/// - Requests: `rpc.system.name` (`conduit`), `rpc.method` (the name), `rpc.status_code` (`OK`, or the
///   name of the [`ErrorKind`](conduit::ErrorKind)).
/// - One way: `messaging.system` (`conduit`), `messaging.operation.name` and `.type`,
///   `messaging.destination.name` (`service/subject`).
/// - Failures: `error.type` (the name of the kind), `conduit.failure.code` (the application's), and at
///   the client `conduit.executed` (`no`, `maybe`, `yes`).
///
/// # Names
/// They are bounded. At the server the subjects that are bound have names, up to 1,000; at the client
/// those of [contracts](conduit::Contract), and beside them those of [`subjects`](Self::subjects), or
/// else the first 100. The others are `_OTHER`, and `rpc.method_original` has the name.
///
/// # The current span
/// A handler runs in the context of its span, and so does what it awaits: the calls that it makes are
/// its children. What it spawns has another context; there, a call through
/// [`Message::service`](conduit::Message::service) is a child all the same, and [`Otel::context`]
/// returns the context for other uses. A call that is not recorded leaves the current context as it
/// is for the layers within.
///
/// With `tracing-opentelemetry` the spans of `tracing` take part: its spans within a handler are
/// children of the handler's, and a call within one of its spans is a child of that.
///
/// # Example
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_otel::Otel;
/// use conduit_smol::Smol;
/// use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let spans = InMemorySpanExporter::default();
/// let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
/// let otel = Otel::new().provider(&provider); // else the global one
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let shop = builder.layer(otel).build()?;
/// shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
/// shop.own_service().request("price", "tea").await?;
/// shop.close().await;
///
/// let spans = spans.get_finished_spans()?;
/// let client = spans.iter().find(|span| span.parent_span_id == 0.into()).expect("it has ended");
/// let server = spans.iter().find(|span| span.parent_span_id != 0.into()).expect("it has ended");
/// assert_eq!(client.name, "shop/price");
/// assert_eq!(server.parent_span_id, client.span_context.span_id());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct Otel {
    tracer: Arc<dyn Start>,
    propagator: Propagator,
    called: Names,
    bound: Names,
}

/// The context of a handler, for what it sends from elsewhere.
struct Current(Context);

impl Otel {
    /// Creates a layer with the tracer provider that is the global one now, and with [`W3c`], which
    /// sends no baggage.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tracer: Arc::new(global::tracer_with_scope(scope())),
            propagator: Propagator::W3c(W3c::new()),
            called: Names::first(FIRST),
            bound: Names::first(BOUND),
        }
    }

    /// Uses another tracer provider than the global one.
    #[must_use]
    pub fn provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static>,
    {
        self.tracer = Arc::new(provider.tracer_with_scope(scope()));
        self
    }

    /// Uses another propagator. `W3c::new().with_baggage()` sends baggage.
    #[must_use]
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = Propagator::new(propagator);
        self
    }

    /// Sets the subjects that have names at the client, beside those of contracts, instead of the first
    /// 100. See [`Names`].
    #[must_use]
    pub fn subjects<S: Into<String>>(mut self, subjects: impl IntoIterator<Item = S>) -> Self {
        self.called = Names::of_subjects(subjects);
        self
    }

    /// Returns the context that a message came with, for one that a loop takes with
    /// [`next`](conduit::Binding::next): its span is the caller's.
    #[must_use]
    pub fn parent(&self, headers: &Headers) -> Context {
        self.propagator.extract(headers)
    }

    /// Returns the context of a message that a handler has, with the handler's span: for tasks that
    /// the handler spawns.
    #[must_use]
    pub fn context(extensions: &Extensions) -> Option<&Context> {
        extensions.get().map(|Current(cx)| cx)
    }

    /// Starts the span of a call, whose headers it joins. Returns it if it is recorded.
    fn outbound_span(&self, call: &mut OutboundCall) -> Option<CallSpan> {
        let is_request = call.kind() != CallKind::OneWay;
        let kind = if is_request { SpanKind::Client } else { SpanKind::Producer };
        let span = describe(kind, &self.called.of_call(call), (call.service(), call.subject()));
        let mut parent = Context::current();
        if !parent.span().span_context().is_valid()
            && let Some(of_handler) = Self::context(call.extensions())
        {
            parent = of_handler.clone();
        }
        match self.tracer.start(span, &parent) {
            Started::Recorded(cx) => {
                self.propagator.inject(&cx, call.headers_mut());
                let call = Call { clock: call.clock(), is_request, deadline: None };
                Some(CallSpan::new(cx, call))
            }
            Started::Unrecorded(ids) => {
                self.propagator.inject_ids(ids, &parent, call.headers_mut());
                None
            }
        }
    }

    /// Returns the context of a handler, and its span if it is recorded.
    fn inbound_span(&self, call: &InboundCall) -> (Context, Option<CallSpan>) {
        let incoming = call.incoming();
        let parent = self.parent(incoming.headers());
        let is_request = incoming.request().is_some();
        let kind = if is_request { SpanKind::Server } else { SpanKind::Consumer };
        let called = (&call.receiver().service, incoming.subject());
        let span = describe(kind, &self.bound.get(called.0, called.1), called);
        let cx = match self.tracer.start(span, &parent) {
            Started::Recorded(cx) => cx,
            Started::Unrecorded(ids) => return (parent.with_remote_span_context(ids), None),
        };
        if !is_request && parent.has_active_span() {
            // Samplers have it as the parent.
            cx.span().add_link(parent.span().span_context().clone(), Vec::new());
        }
        let call = Call { clock: call.clock().clone(), is_request, deadline: call.deadline() };
        (cx.clone(), Some(CallSpan::new(cx, call)))
    }
}

impl Layer for Otel {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        if call.kind() == CallKind::Reply {
            return next.run(call).await;
        }
        let Some(span) = self.outbound_span(&mut call) else {
            return next.run(call).await;
        };
        let mut outcome = next.run(call).with_context(span.context()).await;
        outcome.on_end(move |end| match end {
            End::Complete => span.complete(),
            End::Failed(error) => span.fail(error),
            // Dropped before its end, as the reply was.
            _ => drop(span),
        });
        outcome
    }

    async fn inbound(&self, mut call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let (cx, span) = self.inbound_span(&call);
        call.extensions_mut().insert(Current(cx.clone()));
        let outcome = next.run(call).with_context(cx).await;
        if let Some(span) = span {
            span.end_with(&outcome);
        }
        outcome
    }
}

impl Default for Otel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Otel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otel")
            .field("propagator", &self.propagator)
            .field("called", &self.called)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("conduit-otel")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA)
        .build()
}
