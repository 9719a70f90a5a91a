//! A body of 256 MiB, beside as many bytes in packets of 16 KiB.

use bytes::Bytes;
use conduit::transport::Destination;
use conduit_bench::{Bench, Unit, mebibytes, pace, stream_to_group};

use crate::world::{World, inbox, next, publish, subscribe};

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

fn theirs(world: &World, length: u64) -> f64 {
    let count = length.div_ceil(PIECE as u64);
    let (sender, receiver) = (world.redis(), world.redis());
    let mut packets = world.under.run(async move { subscribe(&receiver, &inbox(2)).await });
    let (mut ahead, mut behind) = pace(WINDOW);
    let send = async move {
        let to = Destination::new(inbox(2));
        for _ in 0..count {
            ahead.step().await;
            publish(&sender, &to, Bytes::from(vec![7; PIECE])).await;
        }
        conduit::transport::Transport::flush(&sender).await.expect("a connection");
    };
    world.under.time(send, async move {
        for _ in 0..count {
            assert_eq!(next(&mut packets).await.len(), PIECE);
            behind.step();
        }
    })
}
