//! Small messages, from publish to received.

use bytes::Bytes;
use conduit_bench::{Bench, Under, Unit, WINDOW, one_way, pace};
use conduit_json::Json;
use futures_lite::StreamExt;

use crate::world::{Raw, World, subscribe};

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, size, count) in [
        ("one-way 16 B", 16, 200_000),
        ("one-way 128 B", 128, 200_000),
        ("one-way 1 KiB", 1 << 10, 150_000),
        ("one-way 16 KiB", 16 << 10, 20_000),
    ] {
        let case = world.case(name);
        if !bench.wants(&case) {
            continue;
        }
        let count = bench.options().amount(count);
        let (sender, receiver) = (world.conduit("sender", Json), world.conduit("receiver", Json));
        let raw = world.raw();
        #[allow(clippy::cast_precision_loss)]
        let rate = |seconds: f64| count as f64 / seconds;
        bench.case(
            &case,
            [Unit::PerSecond.into()],
            &mut || [rate(one_way(&world.under, [&sender, &receiver], false, size, count))],
            &mut || [rate(theirs(&world.under, &raw, size, count))],
        );
    }
}

fn theirs(under: &Under, raw: &Raw, size: usize, count: u64) -> f64 {
    let Raw { sender, receiver } = raw.clone();
    let mut subscriber =
        under.run(async move { subscribe(&receiver, "receiver.event.created").await });
    let (mut ahead, mut behind) = pace(WINDOW);
    let subject = async_nats::Subject::from_static("receiver.event.created");
    let send = async move {
        for _ in 0..count {
            ahead.step().await;
            let payload = Bytes::from(vec![7; size]);
            sender.publish(subject.clone(), payload).await.expect("sent");
        }
    };
    let receive = async move {
        for _ in 0..count {
            let message = subscriber.next().await.expect("a message");
            assert_eq!(message.payload.len(), size);
            behind.step();
        }
    };
    under.time(send, receive)
}
