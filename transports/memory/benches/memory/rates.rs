//! One way, requests, streams.

use std::sync::Arc;

use conduit::{Body, Subject};
use conduit_bench::{
    Bench, Latencies, Pattern, Quantity, Under, Unit, in_flight, one_way, read_whole, request,
};
use conduit_json::Json;
use conduit_memory::Memory;

use crate::channel::{self, Echo};

const SIZE: usize = 128;
const PIECE: u64 = 16 << 10;

pub(crate) fn run(bench: &mut Bench, under: &Under) {
    let case = format!("one-way 128 B, {}", under.name());
    if bench.wants(&case) {
        let count = bench.options().amount(300_000);
        bench.case(
            &case,
            [Unit::PerSecond.into()],
            &mut || [per_second(count, ours(under, count))],
            &mut || [per_second(count, channel::one_way(under, SIZE, count))],
        );
    }
    for at_once in [1, 64] {
        let case = format!("request, {at_once} in flight, {}", under.name());
        if bench.wants(&case) {
            requests(bench, under, &case, at_once);
        }
    }
    let case = format!("stream, {}", under.name());
    if bench.wants(&case) {
        let length = bench.options().amount(256 << 20);
        let size = usize::try_from(PIECE).expect("it is small");
        bench.case(
            &case,
            [Unit::MebibytesPerSecond.into()],
            &mut || [per_second(length >> 20, stream(under, length))],
            &mut || [per_second(length >> 20, channel::one_way(under, size, length / PIECE))],
        );
    }
}

#[allow(clippy::cast_precision_loss)]
fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn ours(under: &Under, count: u64) -> f64 {
    let broker = Memory::new();
    let sender = under.conduit("sender", broker.clone(), Json);
    let receiver = under.conduit("receiver", broker, Json);
    one_way(under, [&sender, &receiver], false, SIZE, count)
}

fn requests(bench: &mut Bench, under: &Under, case: &str, at_once: usize) {
    let count = bench.options().amount(50_000);
    let broker = Memory::new();
    let asker = under.conduit("asker", broker.clone(), Json);
    let answerer = under.conduit("answerer", broker, Json);
    let answers = under.run(async move {
        let binding = answerer.queue_bind("job.run").await.expect("a binding");
        binding.to(|message| async move {
            let body = message.to_bytes().await?;
            message.reply_body(body).await
        });
        answerer
    });
    let service = asker.service("answerer");
    let subject: Subject = "job.run".parse().expect("a subject");
    let echo = Arc::new(Echo::new(under));
    let of = |latencies: Latencies| [latencies.rate, latencies.mean, latencies.p99];
    bench.case(
        case,
        [
            Quantity::named("rate", Unit::PerSecond),
            Quantity::named("mean", Unit::Microseconds),
            Quantity::named("p99", Unit::Microseconds),
        ],
        &mut || {
            let (service, subject) = (service.clone(), subject.clone());
            let ask = move || request(service.clone(), subject.clone(), SIZE);
            of(in_flight(under, count, at_once, ask))
        },
        &mut || {
            let echo = Arc::clone(&echo);
            of(in_flight(under, count, at_once, move || echo.ask(SIZE)))
        },
    );
    drop(answers);
}

fn stream(under: &Under, length: u64) -> f64 {
    let broker = Memory::new();
    let sender = under.conduit("sender", broker.clone(), Json);
    let receiver = under.conduit("receiver", broker, Json);
    let mut binding =
        under.run(async move { receiver.bind("file.upload").await }).expect("a binding");
    let service = sender.service("receiver");
    let send = async move {
        let body = Body::sized_reader(Pattern::new(length), length);
        service.send_body("file.upload", body).expect(1).await.expect("sent");
    };
    under.time(send, async move {
        let message = binding.next().await.expect("a message");
        assert_eq!(read_whole(&message).await, length);
    })
}
