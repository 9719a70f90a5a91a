//! What layers cost a small message, from its send to the end of its handler. Here `raw` is without any.

use std::sync::{Mutex, PoisonError};

use conduit::{Subject, layer::Layer};
use conduit_bench::{Bench, Quantity, Under, Unit, WINDOW, pace};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_otel::Otel;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

const SIZE: usize = 128;

/// It does nothing.
struct Empty;

impl Layer for Empty {}

pub(crate) fn run(bench: &mut Bench, under: &Under) {
    with(bench, under, "an empty layer", || Empty);
    with(bench, under, "otel, unsampled", || {
        // Each side has its own, as services have, that do not share its counts of references.
        let unsampled = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        Otel::new().provider(&unsampled)
    });
}

fn with<L: Layer>(bench: &mut Bench, under: &Under, name: &str, layer: impl Fn() -> L) {
    let case = format!("one-way {SIZE} B, {name}, {}", under.name());
    if !bench.wants(&case) {
        return;
    }
    let count = bench.options().amount(200_000);
    let time = Quantity::named("time", Unit::Microseconds);
    bench.case(
        &case,
        [time],
        &mut || [one_way(under, count, Some(layer()), Some(layer()))],
        &mut || [one_way::<L>(under, count, None, None)],
    );
}

/// Returns how many microseconds a message takes, with a layer at the sender and one at the handler.
fn one_way<L: Layer>(under: &Under, count: u64, out: Option<L>, within: Option<L>) -> f64 {
    let broker = Memory::new();
    let sender = under.conduit("sender", broker.clone(), Json);
    let receiver = under.conduit("receiver", broker, Json);
    let (mut ahead, behind) = pace(WINDOW);
    let (done, is_done) = async_channel::bounded(1);
    let behind = Mutex::new((behind, 0));
    let handled = move || {
        let mut behind = behind.lock().unwrap_or_else(PoisonError::into_inner);
        behind.0.step();
        behind.1 += 1;
        if behind.1 == count {
            done.try_send(()).ok();
        }
    };
    let binding = under.run(async move {
        let binding = receiver.bind("event.created").await.expect("a binding");
        let binding = match within {
            Some(layer) => binding.layer(layer),
            None => binding,
        };
        let worker = binding.to(move |message| {
            drop(message);
            handled();
            async {}
        });
        (receiver, worker)
    });
    let service = sender.service("receiver");
    let service = match out {
        Some(layer) => service.layer(layer),
        None => service,
    };
    let send = async move {
        let subject: Subject = "event.created".parse().expect("a subject");
        for _ in 0..count {
            ahead.step().await;
            service.send_body(&subject, vec![7; SIZE]).await.expect("sent");
        }
    };
    let seconds = under.time(send, async move {
        is_done.recv().await.expect("it is handled");
    });
    drop(binding);
    #[expect(clippy::cast_precision_loss, reason = "the number is small")]
    let count = count as f64;
    seconds * 1e6 / count
}
