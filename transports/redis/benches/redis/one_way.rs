//! Messages, from publish to received.

use bytes::Bytes;
use conduit::transport::{Destination, Targets};
use conduit_bench::{Bench, Unit, WINDOW, one_way, pace};

use crate::world::{World, next, publish, subject, subscribe};

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, size, count, targets) in [
        ("one-way 128 B", 128, 100_000, Targets::Plain),
        ("one-way 16 KiB", 16 << 10, 20_000, Targets::Plain),
        ("one-way 128 B to a group", 128, 50_000, Targets::Group),
    ] {
        let case = world.case(name);
        if !bench.wants(&case) {
            continue;
        }
        let count = bench.options().amount(count);
        bench.case(
            &case,
            [Unit::PerSecond.into()],
            &mut || [ours(world, size, count, targets)],
            &mut || [theirs(world, size, count, targets)],
        );
    }
}

#[allow(clippy::cast_precision_loss)]
fn ours(world: &World, size: usize, count: u64, targets: Targets) -> f64 {
    let (sender, receiver) = (world.conduit("sender"), world.conduit("receiver"));
    count as f64 / one_way(&world.under, [&sender, &receiver], targets.group(), size, count)
}

/// Conduit publishes to both kinds at once, and so does the bare connection.
#[allow(clippy::cast_precision_loss)]
fn theirs(world: &World, size: usize, count: u64, targets: Targets) -> f64 {
    let (sender, receiver) = (world.redis(), world.redis());
    let mut packets = world.under.run(async move { subscribe(&receiver, &subject(targets)).await });
    let (mut ahead, mut behind) = pace(WINDOW);
    let send = async move {
        let to = Destination::new(subject(Targets::Both));
        for _ in 0..count {
            ahead.step().await;
            publish(&sender, &to, Bytes::from(vec![7; size])).await;
        }
        conduit::transport::Transport::flush(&sender).await.expect("a connection");
    };
    let receive = async move {
        for _ in 0..count {
            assert_eq!(next(&mut packets).await.len(), size);
            behind.step();
        }
    };
    count as f64 / world.under.time(send, receive)
}
