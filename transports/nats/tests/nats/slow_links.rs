//! Bodies over links that are slower than they are sent.

use std::time::Duration;

use conduit::{Error, Message};
use conduit_nats::Nats;
use conduit_tokio::Tokio;

use crate::support::{
    Half, Outcome, Proxy, Server, Text, body, builder, read, run, sha256, tokio_multi_thread,
};

/// All of them together take twice the idle limit.
const BODIES: usize = 40;
const LENGTH: u64 = 150_000;
const RATE: u32 = 1_000_000;
const IDLE: Duration = Duration::from_secs(3);

async fn over_a_slow_link(service: &str, server: &Server) -> Result<(Half<Tokio>, Proxy), Error> {
    let proxy = Proxy::start(&server.url(), RATE).await.expect("it starts");
    let nats = Nats::connect(proxy.url()).await.expect("it is there");
    Ok((builder(service, Tokio, nats).idle_limit(IDLE), proxy))
}

async fn reads(message: Message<Text>) -> Result<(), Error> {
    let whole = read(message.take_body()?, |_| {}).await;
    assert_eq!(whole.expect("it arrives"), sha256(LENGTH));
    Ok(())
}

async fn sends_many(receiver: Half<Tokio>, sender: Half<Tokio>, server: &Server) -> Outcome {
    let (receiver, sender) = (receiver.build()?, sender.build()?);
    receiver.queue_bind("body").await?.concurrency(BODIES).to(reads);
    let sending: Vec<_> = (0..BODIES)
        .map(|_| run(&Tokio, sender.service("receiver").send_body("body", body(LENGTH))))
        .collect();
    for sent in sending {
        sent.await?;
    }
    assert_eq!(server.slow_consumers(), 0);
    Ok(())
}

#[test]
fn many_bodies_reach_a_receiver_behind_a_slow_link() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let (receiver, _proxy) = over_a_slow_link("receiver", &server).await?;
        let sender = crate::support::connected("sender", &Tokio, &server).await?.idle_limit(IDLE);
        sends_many(receiver, sender, &server).await
    })
}

#[test]
fn many_bodies_leave_a_sender_behind_a_slow_link() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let (sender, _proxy) = over_a_slow_link("sender", &server).await?;
        let receiver =
            crate::support::connected("receiver", &Tokio, &server).await?.idle_limit(IDLE);
        sends_many(receiver, sender, &server).await
    })
}
