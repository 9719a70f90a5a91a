//! Requests from a value to a value: a handler with types, beside `serde_json` around async-nats.

use async_compat::Compat;
use bytes::Bytes;
use conduit::{Client, Error, Subject};
use conduit_bench::{Bench, Quantity, Under, Unit, in_flight};
use conduit_json::Json;
use futures_lite::StreamExt;
use serde::{Deserialize, Serialize};

use crate::world::{World, subscribe};

const COUNT: u64 = 20_000;

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    item: String,
    count: u32,
}

#[derive(Serialize, Deserialize)]
struct Receipt {
    order: u64,
    cents: u64,
}

fn order() -> Order {
    Order { id: 123_456, item: "teapot".into(), count: 2 }
}

fn sell(order: &Order) -> Receipt {
    Receipt { order: order.id, cents: u64::from(order.count) * 1_250 }
}

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for at_once in [1, 64] {
        let case = world.case(&format!("typed request, {at_once} in flight"));
        if bench.wants(&case) {
            let count = bench.options().amount(if at_once == 1 { COUNT / 10 } else { COUNT });
            compare(bench, world, &case, at_once, count);
        }
    }
}

fn compare(bench: &mut Bench, world: &World, case: &str, at_once: usize, count: u64) {
    let (asker, shop) = (world.conduit("asker", Json), world.conduit("shop", Json));
    let bound = world.under.run(async move {
        let orders = shop.queue_bind("order").await.expect("a binding");
        orders.concurrency(64).serve(async |order: Order| Ok::<_, Error>(sell(&order)));
        shop
    });
    let raw = world.raw();
    let client = raw.receiver.clone();
    let mut orders = world.under.run(async move { subscribe(&client, "shop.order").await });
    let answer = raw.receiver.clone();
    drop(world.under.spawn(async move {
        while let Some(message) = orders.next().await {
            let order: Order = serde_json::from_slice(&message.payload).expect("decoded");
            let receipt = serde_json::to_vec(&sell(&order)).expect("encoded");
            let to = message.reply.expect("a reply subject");
            answer.publish(to, receipt.into()).await.expect("answered");
        }
    }));
    let (service, subject) = (asker.service("shop"), "order".parse::<Subject>());
    let subject = subject.expect("a subject");
    let is_tokio = matches!(world.under, Under::Tokio(_));
    bench.case(
        case,
        [Quantity::named("rate", Unit::PerSecond), Quantity::named("mean", Unit::Microseconds)],
        &mut || {
            let (service, subject) = (service.clone(), subject.clone());
            let ask = move || ours(service.clone(), subject.clone());
            let latencies = in_flight(&world.under, count, at_once, ask);
            [latencies.rate, latencies.mean]
        },
        &mut || {
            let client = raw.sender.clone();
            let ask = move || {
                let ask = theirs(client.clone());
                // A request has a timer of tokio's.
                async move { if is_tokio { ask.await } else { Compat::new(ask).await } }
            };
            let latencies = in_flight(&world.under, count, at_once, ask);
            [latencies.rate, latencies.mean]
        },
    );
    drop(bound);
}

async fn ours(service: Client<Json>, subject: Subject) {
    let reply = service.request(subject, &order()).await.expect("a reply");
    let receipt: Receipt = reply.decode().await.expect("decoded");
    assert_eq!(receipt.cents, 2_500);
}

async fn theirs(client: async_nats::Client) {
    let payload = Bytes::from(serde_json::to_vec(&order()).expect("encoded"));
    let subject = async_nats::Subject::from_static("shop.order");
    let reply = client.request(subject, payload).await.expect("a reply");
    let receipt: Receipt = serde_json::from_slice(&reply.payload).expect("decoded");
    assert_eq!(receipt.cents, 2_500);
}
