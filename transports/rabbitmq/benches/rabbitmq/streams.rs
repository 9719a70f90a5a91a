//! A body of 256 MiB, beside as many bytes in packets of 16 KiB.

use conduit_bench::{Bench, Unit, mebibytes, pace, stream_to_group};

use crate::{bare::Confirms, world::World};

const LENGTH: u64 = 256 << 20;
const PIECE: usize = 16 << 10;
/// Packets that may be under way.
const WINDOW: usize = 256;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    let case = world.case("stream to a queue member");
    if !bench.wants(&case) {
        return;
    }
    let length = bench.options().amount(LENGTH);
    bench.case(
        &case,
        [Unit::MebibytesPerSecond.into()],
        &mut || [mebibytes(length) / ours(world, length)],
        &mut || [mebibytes(length) / theirs(world, length)],
    );
}

fn ours(world: &World, length: u64) -> f64 {
    let (sender, receiver) = (world.conduit("sender"), world.conduit("receiver"));
    stream_to_group(&world.under, [&sender, &receiver], length)
}

/// The packets of a body go to its receiver's inbox.
fn theirs(world: &World, length: u64) -> f64 {
    const KEY: &str = "receiver.inbox";
    let count = length.div_ceil(PIECE as u64);
    let (sender, receiver) = (world.bare(Confirms::Yes), world.bare(Confirms::Yes));
    let (mut packets, receiver) = world.under.run(async move {
        let packets = receiver.subscribe(KEY).await.expect("a queue");
        (packets, receiver)
    });
    let (mut ahead, mut behind) = pace(WINDOW);
    let mut publisher = sender.publisher(KEY, false);
    let send = async move {
        for _ in 0..count {
            ahead.step().await;
            publisher.publish(&vec![7; PIECE]).await;
        }
        publisher.flush().await;
    };
    let seconds = world.under.time(send, async move {
        for _ in 0..count {
            assert_eq!(packets.next().await.len(), PIECE);
            behind.step();
        }
    });
    drop((sender, receiver));
    seconds
}
