use async_compat::Compat;
use async_nats::{Client, Subscriber};
use conduit::{Conduit, Encoder};
use conduit_bench::Under;
use conduit_nats::Nats;

/// A runtime for Conduit and for what uses async-nats, whose own tasks are tokio's, and a server.
pub(crate) struct World {
    pub(crate) under: Under,
    url: String,
}

/// Two programs that talk to each other, and have a connection each.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) sender: Client,
    pub(crate) receiver: Client,
}

impl World {
    pub(crate) fn new(under: Under, url: String) -> Self {
        Self { under, url }
    }

    /// The name of a case under this runtime.
    pub(crate) fn case(&self, case: &str) -> String {
        format!("{case}, {}", self.under.name())
    }

    pub(crate) fn conduit<E: Encoder>(&self, service: &str, encoder: E) -> Conduit<E> {
        let url = self.url.clone();
        let nats = self.under.run(async move { Nats::connect(url).await });
        self.under.conduit(service, nats.expect("a connection"), encoder)
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw { sender: self.client(), receiver: self.client() }
    }

    fn client(&self) -> Client {
        let url = self.url.clone();
        // With room for what its default would drop.
        let connect = async move { Nats::options().connect(url).await };
        let client = self.under.run(Compat::new(connect));
        client.expect("a connection")
    }
}

/// Subscribes, and waits until the server knows.
pub(crate) async fn subscribe(client: &Client, subject: &str) -> Subscriber {
    let subscriber = client.subscribe(subject.to_owned()).await.expect("a subscription");
    let mark = client.new_inbox();
    let mut marks = client.subscribe(mark.clone()).await.expect("a subscription");
    client.publish(mark, "".into()).await.expect("published");
    futures_lite::StreamExt::next(&mut marks).await;
    subscriber
}
