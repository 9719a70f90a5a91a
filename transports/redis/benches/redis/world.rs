use bytes::Bytes;
use conduit::{
    Conduit, InstanceId,
    transport::{Address, Destination, Packet, Targets, Transport},
};
use conduit_bench::Under;
use conduit_json::Json;
use conduit_redis::{Redis, Subscription};
use futures_lite::StreamExt;

/// A runtime, and a server.
pub(crate) struct World {
    pub(crate) under: Under,
    url: String,
}

impl World {
    pub(crate) fn new(under: Under, url: String) -> Self {
        Self { under, url }
    }

    /// The name of a case under this runtime.
    pub(crate) fn case(&self, case: &str) -> String {
        format!("{case}, {}", self.under.name())
    }

    pub(crate) fn redis(&self) -> Redis {
        let url = self.url.clone();
        self.under.run(async move { Redis::connect(url).await }).expect("a connection")
    }

    pub(crate) fn conduit(&self, service: &str) -> Conduit<Json> {
        self.under.conduit(service, self.redis(), Json)
    }
}

pub(crate) fn subject(targets: Targets) -> Address {
    let service = "bare".parse().expect("a name");
    Address::Subject { service, subject: "event.created".parse().expect("a subject"), targets }
}

pub(crate) fn inbox(number: u8) -> Address {
    let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
    Address::Inbox { service: "bare".parse().expect("a name"), instance }
}

/// Subscribes, and waits until the server knows.
pub(crate) async fn subscribe(redis: &Redis, at: &Address) -> Subscription {
    let subscription = redis.subscribe(at).await.expect("a subscription");
    redis.flush().await.expect("a connection");
    subscription
}

/// Publishes, the first time as one that waits for permission.
pub(crate) async fn publish(redis: &Redis, to: &Destination, packet: Bytes) {
    match redis.publish_now(to, packet.clone(), None) {
        Some(published) => published,
        None => redis.publish(to.address(), packet, None).await,
    }
    .expect("published");
}

/// The next packet.
pub(crate) async fn next(packets: &mut Subscription) -> Bytes {
    match packets.next().await {
        Some(Packet::Data(packet)) => packet,
        other => panic!("{other:?} is no data"),
    }
}
