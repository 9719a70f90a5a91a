//! `cargo run --example production`
//!
//! A service as it runs in production: settings from the environment, layers around every call, traces
//! on stdout, logs on stderr, health over HTTP, and an end at SIGTERM that loses nothing.
//!
//! Without a server it runs in memory, orders once from itself, and ends. With one it serves until it
//! is asked to end:
//!
//! ```sh
//! NATS_URL=nats://localhost:4222 HEALTH_ADDRESS=127.0.0.1:8080 \
//!     LIMITS='{ "request_timeout": "5s" }' cargo run --example production
//! ```

mod health;
mod orders;
mod settings;

use std::{error::Error, io, process::ExitCode, time::Duration};

use conduit::{Conduit, transport::Transport};
use conduit_json::Json;
use conduit_layers::{Breaker, Limit, Retry, Timeout, Times};
use conduit_memory::Memory;
use conduit_metrics::{Metrics, StatsReport};
use conduit_nats::Nats;
use conduit_otel::Otel;
use conduit_tokio::{Tokio, drain_on_signal};
use futures_lite::future;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use opentelemetry_stdout::SpanExporter;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    orders::{ORDER, Order},
    settings::Settings,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(aborted) => {
            eprintln!("shop: {aborted} messages were cut off");
            ExitCode::FAILURE
        }
        // With its causes.
        Err(error) => {
            eprintln!("shop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many messages were cut off.
async fn run() -> Result<usize, Box<dyn Error>> {
    let settings = Settings::from_env()?;
    // Failures that no caller receives. The default, INFO, also tells of connections.
    let logs = tracing_subscriber::fmt().with_max_level(LevelFilter::WARN);
    logs.with_writer(io::stderr).init();
    // A real program exports to a collector, by opentelemetry-otlp, and installs a recorder of metrics
    // here, such as metrics-exporter-prometheus.
    let spans = SdkTracerProvider::builder()
        .with_batch_exporter(SpanExporter::default())
        .with_resource(Resource::builder().with_service_name("shop").build())
        .build();
    let otel = Otel::new().provider(&spans);

    let shop = match &settings.nats_url {
        Some(url) => {
            // Not the URL, which may have a password in it.
            let nats = Nats::connect(url).await.map_err(|error| format!("NATS_URL: {error:#}"))?;
            let nats = match &settings.namespace {
                Some(namespace) => nats.in_namespace(namespace.clone()),
                None => nats,
            };
            conduit(nats, &settings, otel)?
        }
        None => conduit(Memory::new(), &settings, otel)?,
    };
    let orders = orders::serve(&shop).await?;
    tokio::spawn(health::log_connection(shop.connection_changes()));
    tokio::spawn(report(shop.clone()));
    if let Some(address) = &settings.health_address {
        println!("health at {}", health::serve(address, &shop).await?);
    }
    shop.ready(Duration::from_secs(10)).await?;

    // The signals are caught from its first poll on, and then it is ready.
    let ending = drain_on_signal(&shop, settings.drain_limit);
    let serving = async {
        println!("ready");
        if settings.nats_url.is_none() {
            let own = shop.own_service();
            let left = own.call(&ORDER, &Order { item: "teapot".into(), count: 2 }).await;
            println!("ordered 2 teapots, left: {left:?}");
            shop.drain(settings.drain_limit).await;
        }
    };
    let (drained, ()) = future::zip(ending, serving).await;
    let drained = drained?;
    let (finished, aborted) = (drained.finished, drained.aborted);
    println!("drained: {finished} finished, {aborted} cut off; {} orders", orders.count());
    // Also sends the spans that wait.
    spans.shutdown()?;
    Ok(aborted)
}

/// The first layer is the outermost: a span and a measurement cover all tries of a call, and each try
/// takes a permit, asks the breaker, and has its own time.
fn conduit<T: Transport>(
    transport: T,
    settings: &Settings,
    otel: Otel,
) -> Result<Conduit<Json>, conduit::Error> {
    Conduit::builder("shop")
        .runtime(Tokio)
        .transport(transport)
        .encoder(Json)
        .version(env!("CARGO_PKG_VERSION"))
        .discoverable(true)
        .limits(&settings.limits)
        .map_failure(orders::failure)
        .layer(otel)
        .layer(Metrics::new())
        .layer(Limit::inbound(1_000))
        .layer(Retry::new())
        .layer(Limit::outbound(256).waiting(1_000))
        .layer(Breaker::new())
        .layer(Timeout::new(Times::whole(Duration::from_secs(5))))
        .build()
}

/// Keeps the metrics of what the conduit holds up to date, until it is closed.
async fn report(conduit: Conduit<Json>) {
    let mut report = StatsReport::new();
    let reporting = async {
        loop {
            report.update(&conduit);
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    };
    future::or(conduit.closed(), reporting).await;
}
