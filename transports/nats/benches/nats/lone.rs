//! A message now and then: a thousand a second, each alone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit_bench::{Bench, Latencies, Quantity, Under, Unit};
use conduit_json::Json;
use futures_lite::{Stream, StreamExt, future, stream};

use crate::world::{World, subscribe};

const COUNT: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(1);
const SIZE: usize = 100;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    let case = world.case("a lone message");
    if !bench.wants(&case) {
        return;
    }
    let count = bench.options().amount(COUNT);
    let quantities =
        [Quantity::named("mean", Unit::Microseconds), Quantity::named("p99", Unit::Microseconds)];
    bench.case(&case, quantities, &mut || ours(world, count), &mut || theirs(world, count));
}

fn ours(world: &World, count: u64) -> [f64; 2] {
    let receiver = world.conduit("receiver", Json);
    let bound = world.under.run(async move { receiver.bind("tick").await });
    let received = stream::unfold(bound.expect("a binding"), |mut binding| async move {
        let message = binding.next().await?;
        let length = message.to_bytes().await.expect("its body").len();
        Some((length, binding))
    });
    let service = world.conduit("sender", Json).service("receiver");
    measure(&world.under, count, received, move || {
        let service = service.clone();
        Box::pin(async move {
            service.send_body("tick", vec![7; SIZE]).await.expect("sent");
        })
    })
}

fn theirs(world: &World, count: u64) -> [f64; 2] {
    // The last client that is dropped ends its connection, with what it was given.
    let raw = world.raw();
    let (client, sender) = (raw.receiver.clone(), raw.sender.clone());
    let subscriber = world.under.run(async move { subscribe(&client, "receiver.tick").await });
    let received = subscriber.map(|message| message.payload.len());
    measure(&world.under, count, received, move || {
        let sender = sender.clone();
        Box::pin(async move {
            let payload = Bytes::from(vec![7; SIZE]);
            sender.publish("receiver.tick", payload).await.expect("sent");
        })
    })
}

/// Returns the mean and the 99th percentile of the times from a send to its receipt.
fn measure(
    under: &Under,
    count: u64,
    received: impl Stream<Item = usize> + Send + 'static,
    send: impl Fn() -> future::Boxed<()> + Send + 'static,
) -> [f64; 2] {
    let (begun, starts) = async_channel::unbounded();
    drop(under.spawn(async move {
        for _ in 0..count {
            smol::Timer::after(PAUSE).await;
            begun.try_send(Instant::now()).ok();
            send().await;
        }
    }));
    let times = under.run(async move {
        let mut received = Box::pin(received);
        let mut times = Vec::new();
        while let Ok(start) = starts.recv().await {
            assert_eq!(received.next().await, Some(SIZE));
            times.push(start.elapsed());
        }
        times
    });
    let Latencies { mean, p99, .. } = Latencies::of(times, 1.0);
    [mean, p99]
}
