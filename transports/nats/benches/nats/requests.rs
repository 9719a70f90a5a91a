//! Requests of 128 bytes, and replies of as many.

use async_compat::Compat;
use bytes::Bytes;
use conduit::Subject;
use conduit_bench::{Bench, Latencies, Quantity, Under, Unit, in_flight, request};
use conduit_json::Json;
use futures_lite::StreamExt;

use crate::world::{World, subscribe};

const SIZE: usize = 128;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, at_once, count) in [
        ("request, 1 in flight", 1, 2_000),
        ("request, 64 in flight", 64, 30_000),
        ("request, 256 in flight", 256, 30_000),
    ] {
        one(bench, world, name, at_once, count);
    }
}

pub(crate) fn one(bench: &mut Bench, world: &World, name: &str, at_once: usize, count: u64) {
    let case = world.case(name);
    if !bench.wants(&case) {
        return;
    }
    let count = bench.options().amount(count);
    let (asker, answerer) = (world.conduit("asker", Json), world.conduit("answerer", Json));
    let answers = world.under.run(async move {
        let answers = answerer.queue_bind("job.run").await.expect("a binding");
        answers.to(|message| async move {
            let body = message.to_bytes().await?;
            message.reply_body(body).await
        });
        answerer
    });
    let raw = world.raw();
    let mut subscriber = {
        let client = raw.receiver.clone();
        world.under.run(async move { subscribe(&client, "answerer.job.run").await })
    };
    let answer = raw.receiver.clone();
    drop(world.under.spawn(async move {
        while let Some(message) = subscriber.next().await {
            let to = message.reply.expect("a reply subject");
            answer.publish(to, message.payload).await.expect("answered");
        }
    }));
    let subject: Subject = "job.run".parse().expect("a subject");
    let service = asker.service("answerer");
    let quantities = [
        Quantity::named("rate", Unit::PerSecond),
        Quantity::named("mean", Unit::Microseconds),
        Quantity::named("p99", Unit::Microseconds),
    ];
    bench.case(
        &case,
        quantities,
        &mut || {
            let (service, subject) = (service.clone(), subject.clone());
            of(in_flight(&world.under, count, at_once, move || {
                request(service.clone(), subject.clone(), SIZE)
            }))
        },
        &mut || {
            let client = raw.sender.clone();
            // A request has a timer of tokio's.
            let is_tokio = matches!(world.under, Under::Tokio(_));
            of(in_flight(&world.under, count, at_once, move || {
                let ask = ask(client.clone());
                async move { if is_tokio { ask.await } else { Compat::new(ask).await } }
            }))
        },
    );
    drop(answers);
}

async fn ask(client: async_nats::Client) {
    let subject = async_nats::Subject::from_static("answerer.job.run");
    let reply = client.request(subject, Bytes::from(vec![7; SIZE])).await.expect("a reply");
    assert_eq!(reply.payload.len(), SIZE);
}

fn of(latencies: Latencies) -> [f64; 3] {
    [latencies.rate, latencies.mean, latencies.p99]
}
