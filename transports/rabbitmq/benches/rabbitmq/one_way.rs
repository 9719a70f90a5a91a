//! Messages, from publish to received.

use conduit_bench::{Bench, Unit, WINDOW, one_way, pace};

use crate::{bare::Confirms, world::World};

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    size: usize,
    count: u64,
    /// To a member of a group.
    group: bool,
    /// What the bare client asks for. Conduit's packets are always confirmed.
    confirms: Confirms,
}

const CASES: [Case; 4] = [
    case("one-way 128 B", 128, 40_000),
    case("one-way 16 KiB", 16 << 10, 8_000),
    Case { group: true, ..case("one-way 128 B to a group", 128, 20_000) },
    Case { confirms: Confirms::No, ..case("one-way 128 B beside unconfirmed", 128, 40_000) },
];

const fn case(name: &'static str, size: usize, count: u64) -> Case {
    Case { name, size, count, group: false, confirms: Confirms::Yes }
}

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for case in CASES {
        let name = world.case(case.name);
        if !bench.wants(&name) {
            continue;
        }
        let case = Case { count: bench.options().amount(case.count), ..case };
        bench.case(&name, [Unit::PerSecond.into()], &mut || [ours(world, case)], &mut || {
            [theirs(world, case)]
        });
    }
}

#[allow(clippy::cast_precision_loss)]
fn ours(world: &World, Case { size, count, group, .. }: Case) -> f64 {
    let (sender, receiver) = (world.conduit("sender"), world.conduit("receiver"));
    count as f64 / one_way(&world.under, [&sender, &receiver], group, size, count)
}

#[allow(clippy::cast_precision_loss)]
fn theirs(world: &World, Case { size, count, group, confirms, .. }: Case) -> f64 {
    const KEY: &str = "receiver.event";
    let (sender, receiver) = (world.bare(confirms), world.bare(Confirms::Yes));
    let (mut packets, receiver) = world.under.run(async move {
        let packets = if group { receiver.join(KEY).await } else { receiver.subscribe(KEY).await };
        (packets.expect("a queue"), receiver)
    });
    let (mut ahead, mut behind) = pace(WINDOW);
    let mut publisher = sender.publisher(KEY, false);
    let send = async move {
        for _ in 0..count {
            ahead.step().await;
            publisher.publish(&vec![7; size]).await;
        }
        publisher.flush().await;
    };
    let receive = async move {
        for _ in 0..count {
            assert_eq!(packets.next().await.len(), size);
            behind.step();
        }
    };
    let seconds = world.under.time(send, receive);
    drop((sender, receiver));
    count as f64 / seconds
}
