//! A body of 1 GiB, beside as many bytes in messages of 16 KiB.

use bytes::Bytes;
use conduit::{Body, Conduit};
use conduit_bench::{Bench, Pattern, Unit, mebibytes, pace, read_whole, stream_to_group};
use conduit_json::Json;
use futures_lite::{StreamExt, future};

use crate::world::{Raw, World, subscribe};

const LENGTH: u64 = 1 << 30;
const PIECE: usize = 16 << 10;
const BROADCAST: usize = 3;
/// Messages of async-nats that may be under way: 16 MiB.
const WINDOW: usize = 1024;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    let length = bench.options().amount(LENGTH);
    for (name, receivers, ours) in [
        ("stream to a receiver", 1, to_bindings as fn(&World, u64, usize) -> f64),
        ("stream to a queue member", 1, to_group),
        ("stream as a reply", 1, as_reply),
        ("stream to 3 receivers", BROADCAST, to_bindings),
    ] {
        one(bench, world, name, length, receivers, ours);
    }
}

pub(crate) fn one(
    bench: &mut Bench,
    world: &World,
    name: &str,
    length: u64,
    receivers: usize,
    ours: fn(&World, u64, usize) -> f64,
) {
    let case = world.case(name);
    if !bench.wants(&case) {
        return;
    }
    let raw = world.raw();
    bench.case(
        &case,
        [Unit::MebibytesPerSecond.into()],
        &mut || [mebibytes(length) / ours(world, length, receivers)],
        &mut || [mebibytes(length) / theirs(world, &raw, length, receivers)],
    );
}

fn conduits(world: &World) -> (Conduit<Json>, Conduit<Json>) {
    (world.conduit("sender", Json), world.conduit("receiver", Json))
}

pub(crate) fn to_bindings(world: &World, length: u64, receivers: usize) -> f64 {
    let (sender, receiver) = conduits(world);
    let bindings = (0..receivers).map(|_| {
        let receiver =
            if receivers == 1 { receiver.clone() } else { world.conduit("receiver", Json) };
        world.under.run(async move { receiver.bind("file.upload").await }).expect("a binding")
    });
    let readers: Vec<_> = bindings
        .collect::<Vec<_>>()
        .into_iter()
        .map(|mut binding| {
            world.under.spawn(async move {
                let message = binding.next().await.expect("a message");
                assert_eq!(read_whole(&message).await, length);
            })
        })
        .collect();
    let service = sender.service("receiver");
    let send = async move {
        let body = Body::sized_reader(Pattern::new(length), length);
        let sent = service.send_body("file.upload", body).expect(receivers).await.expect("sent");
        assert_eq!(sent.completed().len(), receivers);
    };
    world.under.time(send, async {
        for reader in readers {
            reader.await;
        }
    })
}

fn to_group(world: &World, length: u64, _: usize) -> f64 {
    let (sender, receiver) = conduits(world);
    stream_to_group(&world.under, [&sender, &receiver], length)
}

fn as_reply(world: &World, length: u64, _: usize) -> f64 {
    let (asker, answerer) = conduits(world);
    let answers = world.under.run(async move {
        let handler = answerer.queue_bind("file.load").await.expect("a binding");
        handler.to(move |message| async move {
            message.reply_body(Body::sized_reader(Pattern::new(length), length)).await
        });
        answerer
    });
    let service = asker.service("receiver");
    let ask = async move {
        let reply = service.request_body("file.load", ()).await.expect("a reply");
        assert_eq!(read_whole(&reply).await, length);
    };
    let seconds = world.under.time(ask, future::ready(()));
    drop(answers);
    seconds
}

fn theirs(world: &World, raw: &Raw, length: u64, receivers: usize) -> f64 {
    let count = length.div_ceil(PIECE as u64);
    let (ahead, behind): (Vec<_>, Vec<_>) = (0..receivers).map(|_| pace(WINDOW)).unzip();
    let readers: Vec<_> = behind
        .into_iter()
        .enumerate()
        .map(|(at, mut behind)| {
            // A connection each, where there are many.
            let client = if at == 0 { raw.receiver.clone() } else { world.raw().receiver };
            let subscribed = async move { subscribe(&client, "receiver.file.upload").await };
            let mut subscriber = world.under.run(subscribed);
            world.under.spawn(async move {
                for _ in 0..count {
                    let message = subscriber.next().await.expect("a message");
                    assert_eq!(message.payload.len(), PIECE);
                    behind.step();
                }
            })
        })
        .collect();
    let sender = raw.sender.clone();
    let mut ahead = ahead;
    let send = async move {
        let subject = async_nats::Subject::from_static("receiver.file.upload");
        for _ in 0..count {
            for ahead in &mut ahead {
                ahead.step().await;
            }
            let payload = Bytes::from(vec![7; PIECE]);
            sender.publish(subject.clone(), payload).await.expect("sent");
        }
    };
    world.under.time(send, async {
        for reader in readers {
            reader.await;
        }
    })
}
