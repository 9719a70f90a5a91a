//! A cluster of three servers, of which the one that a conduit is on is killed.

use conduit::{Conduit, ErrorKind, Runtime};
use conduit_nats::{Events, Nats, NatsEvent};
use futures_lite::StreamExt;

use crate::support::{Cluster, Outcome, PATIENT, Text, builder, run, with_every_runtime};

with_every_runtime!(
    bindings_requests_and_streams_go_on_at_another_server,
    interest_spreads_a_moment_later,
);

/// Connects to one server, which tells of the others.
async fn connect(cluster: &Cluster, name: &str, server: usize) -> Outcome<Nats> {
    let options = Nats::options().name(name).retain_servers_order();
    Ok(Nats::connect_with(options, cluster.0[server].url()).await?)
}

async fn back(events: &mut Events) {
    while events.next().await.expect("the connection has not ended") != NatsEvent::Connected {}
}

/// Asks until interest has spread, or fails otherwise.
async fn ask(asker: &Conduit<Text>, text: &str) -> Outcome<String> {
    loop {
        match asker.service("worker").request("echo", text).await {
            Err(error) if error.kind() == ErrorKind::NoReceivers => {}
            reply => return Ok(reply?.text().await?),
        }
    }
}

async fn bindings_requests_and_streams_go_on_at_another_server(
    runtime: impl Runtime + Clone,
) -> Outcome {
    const LENGTH: usize = 8 << 20;
    let mut cluster = Cluster::start();
    let nats = connect(&cluster, "worker", 1).await?;
    let mut events = nats.events();
    let worker = builder("worker", runtime.clone(), nats).build()?;
    let asker = connect(&cluster, "asker", 0).await?;
    let asker = builder("asker", runtime.clone(), asker);
    let asker = asker.join_window(PATIENT).send_timeout(PATIENT).build()?;

    worker.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    let mut held = worker.queue_bind("held").await?;
    let mut news = worker.bind("news").await?;
    let mut upload = worker.bind("upload").await?;
    assert_eq!(ask(&asker, "before").await?, "before");

    // A request and a body are under way when the server goes down.
    let to = asker.service("worker");
    let asked = run(&runtime, to.request("held", "answered from another server"));
    let held = held.next().await.ok_or("unbound")?;
    let sending = run(&runtime, to.send_body("upload", vec![3; LENGTH]).expect(1));
    let mut body = upload.next().await.ok_or("unbound")?.take_body()?;
    let mut received = body.next().await.ok_or("no body")??.len();
    assert_eq!(cluster.server_of("worker"), Some(1));
    cluster.0[1].stop();
    back(&mut events).await;
    assert_ne!(cluster.server_of("worker"), Some(1));

    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        assert!(bytes.iter().all(|byte| *byte == 3));
        received += bytes.len();
    }
    assert_eq!(received, LENGTH);
    assert_eq!(sending.await?.completed(), [worker.instance()]);
    assert_eq!(ask(&asker, "after").await?, "after");
    asker.service("worker").send("news", "everything is back").await?;
    assert_eq!(news.next().await.ok_or("unbound")?.text().await?, "everything is back");
    // The request was with its handler all the while.
    held.reply("answered").await?;
    assert_eq!(asked.await?.text().await?, "answered");
    Ok(())
}

async fn interest_spreads_a_moment_later(runtime: impl Runtime + Clone) -> Outcome {
    let cluster = Cluster::start();
    let worker =
        builder("worker", runtime.clone(), connect(&cluster, "worker", 2).await?).build()?;
    let asker = builder("asker", runtime, connect(&cluster, "asker", 0).await?).build()?;
    worker.queue_bind("echo").await?.to(|message| async move {
        let text = message.text().await?;
        message.reply_body(text).await
    });
    // Nobody can promise that the first one arrives; but one does, and then all.
    ask(&asker, "soon").await?;
    for _ in 0..100 {
        let reply = asker.service("worker").request("echo", "now").await?;
        assert_eq!(reply.text().await?, "now");
    }
    Ok(())
}
