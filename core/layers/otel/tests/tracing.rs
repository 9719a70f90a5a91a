//! Spans of `tracing` take part in traces. A program of its own: which spans are enabled is decided once
//! for all threads.

use std::collections::HashMap;

use conduit::{Conduit, Error};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_otel::Otel;
use conduit_sim::Sim;
use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

#[test]
fn spans_of_tracing_join_both_ways() -> Result<(), Box<dyn std::error::Error>> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("app"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

    let sim = Sim::new(7);
    sim.block_on(async {
        let builder = Conduit::builder("shop").runtime(sim.clone()).ids(sim.ids());
        let builder = builder.transport(Memory::new()).encoder(Json);
        let node = builder.layer(Otel::new().provider(&provider)).build()?;
        node.queue_bind("order").await?.serve(async |item: String| {
            let work = async { Ok::<_, Error>(item.len()) };
            work.instrument(tracing::info_span!("work")).await
        });
        let asking = async { node.own_service().request("order", "tea").await };
        asking.instrument(tracing::info_span!("outer")).await?;
        node.close().await;
        Ok::<_, Error>(())
    })?;

    // Each is the child of the one before.
    let mut spans: HashMap<SpanId, _> = HashMap::new();
    for span in exporter.get_finished_spans()? {
        assert!(spans.insert(span.parent_span_id, span).is_none(), "two are children of one");
    }
    let mut names = Vec::new();
    let mut parent = SpanId::INVALID;
    while let Some(span) = spans.remove(&parent) {
        parent = span.span_context.span_id();
        names.push(span.name);
    }
    assert_eq!(names, ["outer", "shop/order", "shop/order", "handler", "work"]);
    assert!(spans.is_empty(), "{spans:#?}");
    Ok(())
}
