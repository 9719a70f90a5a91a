//! OpenTelemetry traces for a [`Conduit`](conduit::Conduit): see [`conduit::layer`].
//!
//! [`Otel`] is the layer; [`W3c`] reads and writes the headers that traces travel in. Both are built
//! on the API of OpenTelemetry alone: the program chooses the SDK, and without one they cost little
//! and pass traces on.
//!
//! # With `tracing`
//! Nothing more is needed than the layer of `tracing-opentelemetry`, with the same provider:
//!
//! ```
//! use conduit::{Conduit, Error};
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_otel::Otel;
//! use conduit_smol::Smol;
//! use opentelemetry::trace::TracerProvider;
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
//! use tracing::{Instrument, info_span};
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # smol::block_on(async {
//! let spans = InMemorySpanExporter::default();
//! let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
//! let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
//! tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
//!
//! let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
//! let shop = builder.layer(Otel::new().provider(&provider)).build()?;
//! shop.queue_bind("price").await?.serve(async |item: String| {
//!     let looking_up = async { Ok::<_, Error>(item.len()) };
//!     looking_up.instrument(info_span!("look up")).await // a child of the handler's span
//! });
//! let asking = async { shop.own_service().request("price", "tea").await };
//! asking.instrument(info_span!("ask")).await?; // the parent of the request's span
//! shop.close().await;
//!
//! let spans = spans.get_finished_spans()?;
//! let traces: Vec<_> = spans.iter().map(|span| span.span_context.trace_id()).collect();
//! assert!(traces.len() >= 4 && traces.iter().all(|trace| *trace == traces[0]));
//! # Ok(())
//! # })
//! # }
//! ```

mod carrier;
mod otel;
mod span;
mod w3c;

pub use conduit_layers::Names;

pub use self::{otel::Otel, w3c::W3c};
