//! Events: small JSON values of about 100 bytes, encoded, sent, received and decoded.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use conduit_bench::{Ahead, Bench, Under, Unit, pace};
use conduit_json::Json;
use futures_lite::{StreamExt, future, stream};
use serde::{Deserialize, Serialize};

use crate::world::{World, subscribe};

/// Messages that may be under way: as many as a binding holds.
const WINDOW: usize = 1024;
const COUNT: u64 = 150_000;
const SUBJECT: &str = "order.placed";

#[derive(Clone, Serialize, Deserialize)]
struct OrderPlaced {
    id: u64,
    customer: String,
    product: String,
    amount: u32,
}

/// The receivers of the events.
#[derive(Clone, Copy)]
enum To {
    /// So many, each of which gets all.
    All(usize),
    /// So many, which share them.
    Group(usize),
}

fn event() -> OrderPlaced {
    OrderPlaced {
        id: 1_234_567_890,
        customer: "ada.lovelace@example.com".into(),
        product: "analytical-engine".into(),
        amount: 42,
    }
}

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, to) in [
        ("JSON events", To::All(1)),
        ("JSON events to 3", To::All(3)),
        ("JSON events to a group of 3", To::Group(3)),
    ] {
        let case = world.case(name);
        if !bench.wants(&case) {
            continue;
        }
        let count = bench.options().amount(COUNT);
        #[allow(clippy::cast_precision_loss)]
        let number = count as f64;
        bench.case(
            &case,
            [Unit::PerSecond.into()],
            &mut || [number / ours(world, to, count)],
            &mut || [number / theirs(world, to, count)],
        );
    }
}

fn receivers(to: To) -> usize {
    match to {
        To::All(receivers) | To::Group(receivers) => receivers,
    }
}

fn ours(world: &World, to: To, count: u64) -> f64 {
    let bindings = (0..receivers(to)).map(|_| {
        let receiver = world.conduit("receiver", Json);
        let bound = async move {
            match to {
                To::All(_) => receiver.bind(SUBJECT).await,
                To::Group(_) => receiver.queue_bind(SUBJECT).await,
            }
        };
        let binding = world.under.run(bound).expect("a binding");
        let received =
            binding.then(async |message| message.decode::<OrderPlaced>().await.expect("decoded"));
        received.boxed()
    });
    let bindings = bindings.collect();
    let service = world.conduit("sender", Json).service("receiver");
    let subject: conduit::Subject = SUBJECT.parse().expect("a subject");
    measure(&world.under, to, count, bindings, |mut ahead| async move {
        let event = event();
        for _ in 0..count {
            step(&mut ahead).await;
            service.send(&subject, &event).await.expect("sent");
        }
    })
}

fn theirs(world: &World, to: To, count: u64) -> f64 {
    let subject = async_nats::Subject::from_static("receiver.order.placed");
    let subscribers = (0..receivers(to)).map(|_| {
        let (client, at) = (world.raw().receiver, subject.clone());
        let subscribed = async move {
            match to {
                To::All(_) => subscribe(&client, &at).await,
                To::Group(_) => {
                    let member = client.queue_subscribe(at, "group".into()).await;
                    // When a later subscription is in force, so is this one.
                    drop(subscribe(&client, "receiver.none").await);
                    member.expect("a subscription")
                }
            }
        };
        let subscriber = world.under.run(subscribed);
        let received = subscriber.map(|message| {
            serde_json::from_slice::<OrderPlaced>(&message.payload).expect("decoded")
        });
        received.boxed()
    });
    let subscribers = subscribers.collect();
    // The last client that is dropped ends its connection, with what it was given.
    let raw = world.raw();
    let sender = raw.sender.clone();
    measure(&world.under, to, count, subscribers, |mut ahead| async move {
        let event = event();
        for _ in 0..count {
            step(&mut ahead).await;
            let payload = Bytes::from(serde_json::to_vec(&event).expect("encoded"));
            sender.publish(subject.clone(), payload).await.expect("sent");
        }
    })
}

async fn step(ahead: &mut [Ahead]) {
    for ahead in ahead {
        ahead.step().await;
    }
}

/// Returns how many seconds it takes to send `count` events, and to receive them.
fn measure<S>(
    under: &Under,
    to: To,
    count: u64,
    receivers: Vec<stream::Boxed<OrderPlaced>>,
    send: impl FnOnce(Vec<Ahead>) -> S,
) -> f64
where
    S: Future<Output = ()> + Send + 'static,
{
    let check = |event: OrderPlaced| assert_eq!(event.amount, 42);
    match to {
        To::All(_) => {
            let (ahead, behind): (Vec<_>, Vec<_>) = receivers.iter().map(|_| pace(WINDOW)).unzip();
            let readers = receivers.into_iter().zip(behind).map(|(receiver, mut behind)| {
                let events = receiver.take(usize::try_from(count).unwrap_or(usize::MAX));
                under.spawn(events.for_each(move |event| {
                    check(event);
                    behind.step();
                }))
            });
            let readers: Vec<_> = readers.collect();
            under.time(send(ahead), async move {
                for reader in readers {
                    reader.await;
                }
            })
        }
        // The share of each member is not known.
        To::Group(_) => {
            let (ahead, behind) = pace(WINDOW);
            let state = Arc::new(Mutex::new((behind, count)));
            // Closed by the member that receives the last one.
            let (done, all) = async_channel::bounded::<()>(1);
            let readers = receivers.into_iter().map(|receiver| {
                let (state, done, all) = (Arc::clone(&state), done.clone(), all.clone());
                let read = receiver.for_each(move |event| {
                    check(event);
                    let (behind, left) = &mut *state.lock().expect("no panic");
                    behind.step();
                    *left -= 1;
                    if *left == 0 {
                        done.close();
                    }
                });
                under.spawn(future::or(read, async move {
                    all.recv().await.ok();
                }))
            });
            let readers: Vec<_> = readers.collect();
            under.time(send(vec![ahead]), async move {
                for reader in readers {
                    reader.await;
                }
            })
        }
    }
}
