//! A body of 256 MiB, beside as many bytes in packets of 16 KiB.

use conduit::Body;
use conduit_bench::{Bench, Pattern, Unit, pace, read_whole};

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

#[allow(clippy::cast_precision_loss)]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn ours(world: &World, length: u64) -> f64 {
    let (sender, receiver) = (world.conduit("sender"), world.conduit("receiver"));
    let bound = world.under.run(async move { receiver.queue_bind("file.upload").await });
    let mut binding = bound.expect("a binding");
    let service = sender.service("receiver");
    let send = async move {
        let body = Body::sized_reader(Pattern::new(length), length);
        service.send_body("file.upload", body).await.expect("sent");
    };
    world.under.time(send, async move {
        let message = binding.next().await.expect("a message");
        assert_eq!(read_whole(&message).await, length);
    })
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
