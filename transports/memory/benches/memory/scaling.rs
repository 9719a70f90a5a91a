//! What one message costs, as everything else grows.

use conduit::{Binding, Body, Conduit, Subject};
use conduit_bench::{Bench, Line, Under, Unit, plot};
use conduit_json::Json;
use conduit_memory::Memory;
use futures_lite::future;

/// Messages that are sent for each point.
const COUNT: u64 = 50_000;
/// Of each point the median counts.
const ROUNDS: usize = 5;

/// What one of so many messages costs beside so many other things, in nanoseconds.
type Cost = fn(&Under, u64, u64) -> f64;

pub(crate) fn run(bench: &mut Bench, under: &Under) {
    let cases: [(&str, &[u64], Cost); 4] = [
        ("bindings", &[1, 10, 100, 1_000, 10_000], bindings),
        ("subjects", &[1, 10, 100, 1_000, 10_000], subjects),
        ("open streams", &[1, 10, 100, 1_000], streams),
        ("pending requests", &[1, 10, 100, 1_000, 10_000, 100_000], pending),
    ];
    let quick = bench.options().quick;
    let (count, rounds) = (bench.options().amount(COUNT), if quick { 1 } else { ROUNDS });
    let mut lines = Vec::new();
    for (name, sizes, cost) in cases {
        let mut line = Line { name, points: Vec::new() };
        for &size in sizes.iter().filter(|size| !quick || **size <= 1_000) {
            let case = format!("one message beside {size} {name}");
            if !bench.wants(&case) {
                continue;
            }
            let costs: Vec<_> = (0..rounds).map(|_| cost(under, size, count)).collect();
            let median = bench.single(&case, Unit::Nanoseconds.into(), &costs);
            line.points.push((size, median));
        }
        lines.push(line);
    }
    if let Some(file) = &bench.options().plot {
        plot(file, &lines).expect("the plot can be written");
    }
}

fn pair(under: &Under) -> (Conduit<Json>, Conduit<Json>) {
    let broker = Memory::builder().subscription_capacity(1 << 20).build();
    let sender = under.conduit("sender", broker.clone(), Json);
    (sender, under.conduit("receiver", broker, Json))
}

async fn bind(conduit: &Conduit<Json>, count: u64) -> (Vec<Subject>, Vec<Binding<Json>>) {
    let (mut subjects, mut bindings) = (Vec::new(), Vec::new());
    for number in 0..count {
        let subject: Subject = format!("subject.{number}").parse().expect("a subject");
        bindings.push(conduit.bind(&subject).await.expect("a binding"));
        subjects.push(subject);
    }
    (subjects, bindings)
}

/// Sends to one binding, or to all of them in turn, and takes each message at once.
fn exchange(under: &Under, bound: u64, used: u64, count: u64) -> f64 {
    let (sender, receiver) = pair(under);
    let service = sender.service("receiver");
    let (subjects, mut bindings) = under.run(async move { bind(&receiver, bound).await });
    let exchange = async move {
        for (number, at) in (0..count).zip((0..used).cycle()) {
            let at = usize::try_from(at).expect("it is small");
            service.send_body(&subjects[at], number.to_le_bytes()).await.expect("sent");
            let message = bindings[at].next().await.expect("a message");
            assert_eq!(*message.to_bytes().await.expect("its body"), number.to_le_bytes());
        }
        bindings
    };
    nanoseconds(under, count, exchange)
}

/// What each of `count` takes of the time of a task.
#[allow(clippy::cast_precision_loss)]
fn nanoseconds<T: Send + 'static>(
    under: &Under,
    count: u64,
    task: impl Future<Output = T> + Send + 'static,
) -> f64 {
    let timed = async move {
        let start = std::time::Instant::now();
        let kept = task.await;
        (start.elapsed(), kept)
    };
    let (elapsed, kept) = under.run(timed);
    drop(kept);
    elapsed.as_nanos() as f64 / count as f64
}

fn bindings(under: &Under, size: u64, count: u64) -> f64 {
    exchange(under, size, 1, count)
}

fn subjects(under: &Under, size: u64, count: u64) -> f64 {
    exchange(under, size, size, count)
}

/// Streams that are open and pause, beside the messages.
fn streams(under: &Under, size: u64, count: u64) -> f64 {
    let broker = Memory::new();
    let sender = under.conduit("sender", broker.clone(), Json);
    let receiver = under.conduit("receiver", broker, Json);
    let service = sender.service("receiver");
    // A binding takes 171 of one sender, and all together what the budget has room for.
    let (subjects, mut bindings) =
        under.run(async move { bind(&receiver, size.div_ceil(100) + 1).await });
    let open = async move {
        let (mut messages, mut sending) = (Vec::new(), Vec::new());
        for number in 0..size {
            let at = usize::try_from(number / 100).expect("it is small");
            let body = Body::sized_stream(futures_lite::stream::pending(), 20_000);
            let mut sent = Box::pin(service.send_body(&subjects[at], body).expect(1));
            let opened = async { bindings[at].next().await };
            let never = async {
                (&mut sent).await.expect("it goes on");
                None
            };
            messages.push(future::or(opened, never).await.expect("a message"));
            sending.push(sent);
        }
        let (subject, mut binding) =
            (subjects.last().cloned().expect("one"), bindings.pop().expect("one"));
        let exchange = async move {
            for number in 0..count {
                service.send_body(&subject, number.to_le_bytes()).await.expect("sent");
                let message = binding.next().await.expect("a message");
                assert_eq!(*message.to_bytes().await.expect("its body"), number.to_le_bytes());
            }
        };
        (exchange, (messages, sending, bindings))
    };
    let (exchange, kept) = under.run(open);
    let cost = nanoseconds(under, count, exchange);
    drop(kept);
    cost
}

/// Requests that wait for an answer, beside others that get one.
fn pending(under: &Under, size: u64, count: u64) -> f64 {
    let (asker, answerer) = pair(under);
    let service = asker.service("receiver");
    let waits = service.clone().no_timeout();
    // As many wait as a binding holds.
    let (subjects, bindings) =
        under.run(async move { bind(&answerer, size.div_ceil(1_000) + 1).await });
    let (mut bindings, subject) = (bindings, subjects.last().cloned().expect("one"));
    let answers = bindings.pop().expect("one").to(|message| async move {
        let body = message.to_bytes().await?;
        message.reply_body(body).await
    });
    let exchange = async move {
        let mut waiting = Vec::new();
        for number in 0..size {
            let at = usize::try_from(number / 1_000).expect("it is small");
            let mut request = Box::pin(waits.request_body(&subjects[at], "?"));
            assert!(future::poll_once(&mut request).await.is_none());
            waiting.push(request);
        }
        let start = std::time::Instant::now();
        for _ in 0..count {
            service.request_body(&subject, "!").await.expect("a reply");
        }
        (start.elapsed(), waiting, bindings, answers)
    };
    let (elapsed, waiting, bindings, answers) = under.run(exchange);
    drop((waiting, bindings, answers));
    #[allow(clippy::cast_precision_loss)]
    let cost = elapsed.as_nanos() as f64 / count as f64;
    cost
}
