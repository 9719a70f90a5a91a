//! A small value, encoded, sent, received and decoded.

use bytes::Bytes;
use conduit::{Decode, Encode};
use conduit_bench::{Bench, Unit, pace};
use conduit_json::Json;
use conduit_msgpack::MessagePack;
use conduit_protobuf::Protobuf;
use futures_lite::StreamExt;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use crate::world::{Raw, World, subscribe};

const WINDOW: usize = 1024;
const COUNT: u64 = 150_000;

#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
struct UserCreated {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    email: String,
    #[prost(bool, tag = "4")]
    confirmed: bool,
}

fn value() -> UserCreated {
    UserCreated {
        id: 123_456,
        name: "Ada Lovelace".into(),
        email: "ada@example.com".into(),
        confirmed: true,
    }
}

type ToBytes = fn(&UserCreated) -> Vec<u8>;
type FromBytes = fn(&[u8]) -> UserCreated;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    with(
        bench,
        world,
        "value, JSON",
        Json,
        |value| serde_json::to_vec(value).expect("encoded"),
        |bytes| serde_json::from_slice(bytes).expect("decoded"),
    );
    with(
        bench,
        world,
        "value, MessagePack",
        MessagePack,
        |value| rmp_serde::to_vec_named(value).expect("encoded"),
        |bytes| rmp_serde::from_slice(bytes).expect("decoded"),
    );
    with(bench, world, "value, Protobuf", Protobuf, UserCreated::encode_to_vec, |bytes| {
        UserCreated::decode(bytes).expect("decoded")
    });
}

fn with<E>(
    bench: &mut Bench,
    world: &World,
    name: &str,
    encoder: E,
    to_bytes: ToBytes,
    from_bytes: FromBytes,
) where
    E: Encode<UserCreated> + Decode<UserCreated> + Clone,
{
    let case = world.case(name);
    if !bench.wants(&case) {
        return;
    }
    let count = bench.options().amount(COUNT);
    let sender = world.conduit("sender", encoder.clone());
    let receiver = world.conduit("receiver", encoder);
    let raw = world.raw();
    #[allow(clippy::cast_precision_loss)]
    let number = count as f64;
    bench.case(
        &case,
        [Unit::PerSecond.into()],
        &mut || {
            let (service, bound) = (sender.service("receiver"), receiver.clone());
            let binding = world.under.run(async move { bound.bind("user.created").await });
            let mut binding = binding.expect("a binding");
            let (mut ahead, mut behind) = pace(WINDOW);
            let send = async move {
                let subject: conduit::Subject = "user.created".parse().expect("a subject");
                let value = value();
                for _ in 0..count {
                    ahead.step().await;
                    service.send(&subject, &value).await.expect("sent");
                }
            };
            let receive = async move {
                for _ in 0..count {
                    let message = binding.next().await.expect("a message");
                    assert!(message.decode().await.expect("decoded").confirmed);
                    behind.step();
                }
            };
            [number / world.under.time(send, receive)]
        },
        &mut || {
            let Raw { sender, receiver } = raw.clone();
            let subscribed = async move { subscribe(&receiver, "receiver.user.created").await };
            let mut subscriber = world.under.run(subscribed);
            let (mut ahead, mut behind) = pace(WINDOW);
            let send = async move {
                let subject = async_nats::Subject::from_static("receiver.user.created");
                let value = value();
                for _ in 0..count {
                    ahead.step().await;
                    let payload = Bytes::from(to_bytes(&value));
                    sender.publish(subject.clone(), payload).await.expect("sent");
                }
            };
            let receive = async move {
                for _ in 0..count {
                    let message = subscriber.next().await.expect("a message");
                    assert!(from_bytes(&message.payload).confirmed);
                    behind.step();
                }
            };
            [number / world.under.time(send, receive)]
        },
    );
}
