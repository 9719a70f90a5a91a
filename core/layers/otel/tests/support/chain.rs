//! One trace through three services: a send, a request, and a streamed request with a streamed reply.

use std::{collections::BTreeMap, error::Error, time::Duration};

use conduit::{Body, Conduit, Message};
use conduit_json::Json;
use conduit_otel::Otel;
use futures_lite::io::Cursor;
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanId, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

type Failed = Box<dyn Error + Send + Sync>;

/// The name, the kind and the attributes of a span.
type Expected = (&'static str, SpanKind, &'static [(&'static str, &'static str)]);

/// The spans of the chain, in order: each is the child of the one before.
const SPANS: [Expected; 7] = [
    ("root", SpanKind::Internal, &[]),
    (
        "send orders/placed",
        SpanKind::Producer,
        &[
            ("messaging.system", "conduit"),
            ("messaging.operation.name", "send"),
            ("messaging.operation.type", "send"),
            ("messaging.destination.name", "orders/placed"),
        ],
    ),
    (
        "process orders/placed",
        SpanKind::Consumer,
        &[
            ("messaging.system", "conduit"),
            ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"),
            ("messaging.destination.name", "orders/placed"),
        ],
    ),
    (
        "stock/reserve",
        SpanKind::Client,
        &[
            ("rpc.system.name", "conduit"),
            ("rpc.method", "stock/reserve"),
            ("rpc.status_code", "OK"),
        ],
    ),
    (
        "stock/reserve",
        SpanKind::Server,
        &[
            ("rpc.system.name", "conduit"),
            ("rpc.method", "stock/reserve"),
            ("rpc.status_code", "OK"),
        ],
    ),
    (
        "files/print",
        SpanKind::Client,
        &[("rpc.system.name", "conduit"), ("rpc.method", "files/print"), ("rpc.status_code", "OK")],
    ),
    (
        "files/print",
        SpanKind::Server,
        &[("rpc.system.name", "conduit"), ("rpc.method", "files/print"), ("rpc.status_code", "OK")],
    ),
];
/// More than a packet, and more than a window.
const LONG: usize = 1_000_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A chain, with a provider of its own.
pub(crate) struct Chain {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Self { exporter, provider }
    }

    /// Returns the layer that each of the conduits has.
    pub(crate) fn otel(&self) -> Otel {
        Otel::new().provider(&self.provider)
    }

    /// Runs it, with a client, and with the services `orders`, `stock` and `files`.
    pub(crate) async fn run(&self, nodes: [Conduit<Json>; 4]) -> Result<(), Failed> {
        let [client, orders, stock, files] = nodes;
        files.queue_bind("print").await?.to(|message: Message<Json>| async move {
            message.reply_body(message.take_body()?).await
        });
        stock.queue_bind("reserve").await?.to(|message: Message<Json>| async move {
            let body = Body::reader(Cursor::new(vec![7; LONG]));
            let printed = message.service("files").request_body("print", body).await?;
            message.reply(&printed.to_bytes().await?.len()).await
        });
        orders.queue_bind("placed").await?.to(|message: Message<Json>| async move {
            let item: String = message.decode().await?;
            let reserved = message.service("stock").request("reserve", &item).await?;
            assert_eq!(reserved.decode::<usize>().await?, LONG);
            Ok::<_, conduit::Error>(())
        });

        let root = Context::new().with_span(self.provider.tracer("test").start("root"));
        client.service("orders").send("placed", "tea").with_context(root.clone()).await?;
        root.span().end();
        client.flush().await?;
        // What was routed is handled, and its handlers end.
        for node in [orders, stock, files, client] {
            let drained = node.drain(MINUTE).await;
            assert_eq!(drained.aborted, 0, "{drained:?}");
        }
        self.check()
    }

    fn check(&self) -> Result<(), Failed> {
        let all = self.exporter.get_finished_spans()?;
        assert_eq!(all.len(), SPANS.len(), "{all:#?}");
        let trace = all[0].span_context.trace_id();
        let mut parent = SpanId::INVALID;
        for (name, kind, attributes) in SPANS {
            let is_child = |span: &&SpanData| span.parent_span_id == parent;
            let children: Vec<_> = all.iter().filter(is_child).collect();
            let [span] = children[..] else { panic!("{name} is one of {children:#?}") };
            assert_eq!((&*span.name, &span.span_kind), (name, &kind));
            assert_eq!(span.span_context.trace_id(), trace, "{name}");
            let is_of_message = matches!(kind, SpanKind::Consumer | SpanKind::Server);
            assert_eq!(span.parent_span_is_remote, is_of_message, "{name}");
            let found = span.attributes.iter().map(|one| (one.key.as_str(), one.value.to_string()));
            let expected = attributes.iter().map(|(key, value)| (*key, (*value).to_owned()));
            let (found, expected): (BTreeMap<_, _>, BTreeMap<_, _>) =
                (found.collect(), expected.collect());
            assert_eq!(found, expected, "{name}");
            let links: Vec<_> = span.links.iter().map(|link| link.span_context.span_id()).collect();
            let linked = if kind == SpanKind::Consumer { vec![parent] } else { Vec::new() };
            assert_eq!(links, linked, "{name}");
            parent = span.span_context.span_id();
        }
        Ok(())
    }
}
