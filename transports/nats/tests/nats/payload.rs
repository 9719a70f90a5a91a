//! A server that takes less than a chunk, from the start or after a restart.

use std::io;

use bytes::Bytes;
use conduit::{Body, Conduit, ErrorKind, Runtime};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future, stream};

use crate::support::{Outcome, Server, Text, builder, disconnected, run, with_every_runtime};

with_every_runtime!(
    what_does_not_fit_is_streamed,
    a_limit_may_shrink_under_a_body,
    a_message_that_does_not_fit_any_more_is_too_large,
    below_the_least_it_is_an_error_and_the_connection_lives,
);

/// The least that a conduit needs.
const LEAST: &str = "max_payload: 16384";

async fn echo(conduit: &Conduit<Text>) -> Outcome {
    conduit.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    Ok(())
}

async fn what_does_not_fit_is_streamed(runtime: impl Runtime) -> Outcome {
    let server = Server::with_config(LEAST);
    let conduit = builder("own", runtime, Nats::connect(server.url()).await?).build()?;
    echo(&conduit).await?;
    for length in [0, 1, 4_000, 5_000, 16_384, 20_000, 3 << 20] {
        let reply = conduit.own_service().request_body("echo", vec![4; length]).await?;
        assert_eq!(reply.to_bytes().await?, vec![4; length]);
    }
    Ok(())
}

async fn a_limit_may_shrink_under_a_body(runtime: impl Runtime + Clone) -> Outcome {
    const HALF: usize = 4 << 20;
    let mut server = Server::start();
    let sender = builder("sender", runtime.clone(), Nats::connect(server.url()).await?).build()?;
    let nats = Nats::connect(server.url()).await?;
    let receiver = builder("receiver", runtime.clone(), nats.clone()).build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let pieces = stream::repeat(Bytes::from(vec![5; 64 << 10])).take((2 * HALF) >> 16);
    let source = Body::stream(pieces.map(io::Result::Ok));
    let sending = run(&runtime, sender.service("receiver").send_body("upload", source));
    let mut body = binding.next().await.ok_or("unbound")?.take_body()?;
    let (mut received, mut restarted) = (0, false);
    // A window of chunks that were cut for the old limit is under way when it shrinks.
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        assert!(bytes.iter().all(|byte| *byte == 5));
        received += bytes.len();
        if received >= HALF && !restarted {
            restarted = true;
            server.stop();
            disconnected(&nats).await;
            server.configure(LEAST);
            server.start_again();
        }
    }
    assert_eq!(received, 2 * HALF);
    assert_eq!(sending.await?.completed(), [receiver.instance()]);
    Ok(())
}

async fn a_message_that_does_not_fit_any_more_is_too_large(runtime: impl Runtime) -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let conduit = builder("own", runtime, nats.clone()).build()?;
    let mut news = conduit.bind("news").await?;
    server.stop();
    disconnected(&nats).await;
    let to = conduit.own_service();
    // It is one packet, which waits for the connection.
    let mut sending = to.send_body("news", vec![6; 16 << 10]);
    assert!(future::poll_once(&mut sending).await.is_none());
    server.configure(LEAST);
    server.start_again();
    assert_eq!(sending.await.map(drop).map_err(|e| e.kind()), Err(ErrorKind::TooLarge));
    // Again, it is streamed.
    let again = to.send_body("news", vec![7; 16 << 10]).expect(1);
    let (sent, message) = future::zip(again, async {
        Outcome::Ok(news.next().await.ok_or("unbound")?.to_bytes().await?)
    })
    .await;
    assert_eq!((sent?.completed().len(), message?.len()), (1, 16 << 10));
    Ok(())
}

async fn below_the_least_it_is_an_error_and_the_connection_lives(runtime: impl Runtime) -> Outcome {
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let conduit = builder("own", runtime, nats.clone()).build()?;
    echo(&conduit).await?;
    let upload = conduit.queue_bind("upload").await?;
    upload.to(|message| async move { message.to_bytes().await.map(drop) });
    server.stop();
    disconnected(&nats).await;
    server.configure("max_payload: 2000");
    server.start_again();
    let to = conduit.own_service();
    assert_eq!(to.request("echo", "short").await?.text().await?, "short");
    for length in [4_000, 3 << 20] {
        let sent = to.send_body("upload", vec![8; length]).await.map(drop);
        assert_eq!(sent.map_err(|error| error.kind()), Err(ErrorKind::TooLarge), "{length}");
    }
    assert_eq!(to.request("echo", "alive").await?.text().await?, "alive");
    Ok(())
}
