//! A broker under virtual time, and the spans of everything that is connected to it.

use std::{collections::BTreeMap, time::Duration};

use conduit::{
    Builder, Conduit, Error,
    layer::{InboundCall, InboundNext, InboundOutcome, Layer, Refusal},
};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_otel::Otel;
use conduit_sim::Sim;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

use crate::Result;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) sim: Sim,
    broker: Memory,
    pub(crate) spans: Spans,
}

impl World {
    /// Runs a test in a world of its own.
    pub(crate) fn run<F: Future<Output = Result>>(test: impl FnOnce(Self) -> F) -> Result {
        let sim = Sim::new(7);
        let world = Self { sim: sim.clone(), broker: Memory::new(), spans: Spans::new() };
        sim.block_on(test(world))
    }

    pub(crate) fn builder(&self, service: &str) -> Builder<Sim, Memory, Json> {
        let builder = Conduit::builder(service).runtime(self.sim.clone()).ids(self.sim.ids());
        builder.transport(self.broker.clone()).encoder(Json)
    }

    pub(crate) fn node(&self, service: &str) -> Result<Conduit<Json>, Error> {
        self.builder(service).layer(self.spans.otel()).build()
    }
}

/// The spans that have ended.
#[derive(Clone)]
pub(crate) struct Spans {
    exporter: InMemorySpanExporter,
    pub(crate) provider: SdkTracerProvider,
}

impl Spans {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Self { exporter, provider }
    }

    pub(crate) fn otel(&self) -> Otel {
        Otel::new().provider(&self.provider)
    }

    pub(crate) fn clear(&self) {
        self.exporter.reset();
    }

    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("it is not shut down")
    }

    /// Returns the one span of a kind and a name.
    #[track_caller]
    pub(crate) fn one(&self, kind: &SpanKind, name: &str) -> SpanData {
        let mut all = self.all();
        all.retain(|span| span.span_kind == *kind && span.name == name);
        assert_eq!(all.len(), 1, "spans {kind:?} {name} of {:#?}", self.all());
        all.remove(0)
    }
}

/// Returns the attributes of a span as text.
pub(crate) fn attributes(span: &SpanData) -> BTreeMap<&str, String> {
    span.attributes.iter().map(|one| (one.key.as_str(), one.value.to_string())).collect()
}

/// Returns how long a span took.
pub(crate) fn duration(span: &SpanData) -> Duration {
    span.end_time.duration_since(span.start_time).expect("it began before it ended")
}

/// Refuses every message when its handler is about to run.
pub(crate) struct Refusing(pub(crate) Refusal);

impl Layer for Refusing {
    async fn inbound(&self, _: InboundCall, _: InboundNext<'_>) -> InboundOutcome {
        self.0.clone().into()
    }
}
