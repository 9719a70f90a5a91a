use std::time::Instant;

use conduit::layer::{
    Arriving, CallKind, End, InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall,
    Outcome, Refusal,
};
use conduit_layers::Names;
use metrics::histogram;

use crate::{
    describe,
    in_flight::{InFlight, Side},
    labels::Labels,
};

/// How many subjects are named at the client, if there is no list.
const FIRST: usize = 100;
/// How many subjects that a service binds are named.
const BOUND: usize = 1_000;

static CLIENT: Side = Side {
    in_flight: describe::CLIENT_IN_FLIGHT,
    request_duration: describe::CLIENT_DURATION,
    one_way_duration: describe::SEND_DURATION,
    one_way_count: describe::SENT,
};
static SERVER: Side = Side {
    in_flight: describe::SERVER_IN_FLIGHT,
    request_duration: describe::SERVER_DURATION,
    one_way_duration: describe::PROCESS_DURATION,
    one_way_count: describe::CONSUMED,
};

/// Measures calls and handlers.
///
/// The names are those of the conventions of OpenTelemetry, version 1.45, where these have one. All
/// durations are in seconds, and end with the last byte, as they do in the spans of `conduit-otel`.
///
/// | metric | kind | what it is |
/// | --- | --- | --- |
/// | `rpc.client.call.duration` | histogram | from a request to the last byte of its reply |
/// | `rpc.server.call.duration` | histogram | how long the handler of a request runs |
/// | `messaging.client.operation.duration` | histogram | how long a one-way message takes to be sent |
/// | `messaging.process.duration` | histogram | how long the handler of a one-way message runs |
/// | `messaging.client.sent.messages` | counter | one-way messages that were sent, or failed to be |
/// | `messaging.client.consumed.messages` | counter | one-way messages that handlers were run for |
/// | `conduit.client.in_flight` | gauge | sends and requests that have not ended |
/// | `conduit.server.in_flight` | gauge | handlers that run |
/// | `conduit.server.wait.duration` | histogram | from the arrival of a message to its handler |
///
/// Labels: `rpc.system.name`, `rpc.method` and `rpc.status_code` of requests, `messaging.system`,
/// `messaging.operation.name` and `messaging.destination.name` of one-way messages, and `error.type` of
/// failures. Their values are bounded: at the server the subjects that are bound have names, up to
/// 1,000; at the client those of [contracts](conduit::Contract), and beside them those of
/// [`subjects`](Self::subjects), or else the first 100. The others are `_OTHER`.
///
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_metrics::Metrics;
/// use conduit_smol::Smol;
/// use metrics_util::debugging::DebuggingRecorder;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = DebuggingRecorder::new();
/// let snapshotter = recorder.snapshotter();
/// recorder.install()?;
/// # smol::block_on(async {
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let shop = builder.layer(Metrics::new()).build()?;
/// shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
/// shop.own_service().request("price", "tea").await?;
/// shop.close().await;
///
/// let recorded = snapshotter.snapshot().into_vec();
/// let (key, ..) = recorded
///     .iter()
///     .find(|(key, ..)| key.key().name() == "rpc.server.call.duration")
///     .expect("a handler has run");
/// assert!(key.key().labels().any(|label| label.value() == "shop/price"));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Metrics {
    called: Names,
    bound: Names,
}

/// When a message has arrived.
struct Arrived(Instant);

impl Metrics {
    /// Creates the layer. It records to the recorder that is the global one when something happens.
    /// That it has descriptions, install it before.
    #[must_use]
    pub fn new() -> Self {
        describe::of_layer();
        Self { called: Names::first(FIRST), bound: Names::first(BOUND) }
    }

    /// Sets the subjects that have names at the client, beside those of contracts, instead of the first
    /// 100. See [`Names`].
    #[must_use]
    pub fn subjects<S: Into<String>>(mut self, subjects: impl IntoIterator<Item = S>) -> Self {
        self.called = Names::of_subjects(subjects);
        self
    }
}

impl Layer for Metrics {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        if call.kind() == CallKind::Reply {
            return next.run(call).await;
        }
        let name = self.called.of_call(&call);
        let labels = match call.kind() {
            CallKind::OneWay => Labels::one_way(name, "send"),
            _ => Labels::request(name),
        };
        let in_flight = InFlight::new(&CLIENT, labels, call.clock(), None);
        let mut outcome = next.run(call).await;
        outcome.on_end(move |end| match end {
            End::Complete => in_flight.end(None),
            End::Failed(error) => in_flight.end(Some(error.kind())),
            // Dropped before its end, as the reply was.
            _ => drop(in_flight),
        });
        outcome
    }

    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        let now = arriving.clock().now();
        arriving.extensions_mut().insert(Arrived(now));
        Ok(())
    }

    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let incoming = call.incoming();
        let name = self.bound.get(&call.receiver().service, incoming.subject());
        let labels = match incoming.request() {
            Some(_) => Labels::request(name),
            None => Labels::one_way(name, "process"),
        };
        if let Some(Arrived(at)) = incoming.extensions().get() {
            let waited = call.clock().now().saturating_duration_since(*at);
            histogram!(describe::WAIT, labels.of_begin()).record(waited);
        }
        let in_flight = InFlight::new(&SERVER, labels, call.clock().clone(), call.deadline());
        let outcome = next.run(call).await;
        in_flight.end(outcome.error_kind());
        outcome
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
