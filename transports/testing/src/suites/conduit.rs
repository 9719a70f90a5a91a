//! Conduits whose server goes away and comes back.

use std::{io, time::Duration};

use crate::{Broker, Outcome, builder, disconnected};
use bytes::Bytes;
use conduit::{Body, ErrorKind, Executed, Runtime};
use futures_lite::{StreamExt, stream};

/// Runs the tests of [`conduit`](crate::suites::conduit) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! conduit_suite {
    ($($how:tt)+) => {
        $crate::with_every_runtime! {
            conduit for $($how)+:
            a_send_without_a_server_says_so_after_the_send_timeout,
            a_send_waits_for_the_server_to_come_back,
            a_body_outlives_a_restart_of_the_server,
            bindings_outlive_a_restart_of_the_server,
        }
    };
}

pub async fn a_send_without_a_server_says_so_after_the_send_timeout<B: Broker>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let patient = builder("sender", runtime.clone(), transport.clone()).build()?;
    patient.service("receiver").send("greeting", "before").await?;
    let timeout = Duration::from_millis(200);
    let sender = builder("sender", runtime, transport.clone()).send_timeout(timeout).build()?;
    let to = sender.service("receiver");
    server.stop();
    disconnected::<B>(&transport).await;
    let error = to.send("greeting", "during").await.expect_err("there is no server");
    // The packet was never handed over.
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Disconnected, Executed::No));
    let error = to.request("greeting", "during").await.map(drop).expect_err("there is no server");
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    Ok(())
}

pub async fn a_send_waits_for_the_server_to_come_back<B: Broker>(runtime: impl Runtime) -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let minute = Duration::from_secs(60);
    let sender = builder("sender", runtime, transport.clone()).send_timeout(minute).build()?;
    let mut own = sender.bind("greeting").await?;
    server.stop();
    disconnected::<B>(&transport).await;
    let sending = sender.own_service().send("greeting", "hello");
    let mut sending = std::pin::pin!(sending);
    assert!(futures_lite::future::poll_once(&mut sending).await.is_none());
    server.start_again();
    sending.await?;
    let message = own.next().await.expect("it is bound");
    assert_eq!(message.text().await?, "hello");
    Ok(())
}

/// 8 MiB, which stops in the middle until the gate is dropped.
fn gated(gate: async_channel::Receiver<()>) -> Body {
    const PIECES: u8 = 128;
    let piece = |number: u8| io::Result::Ok(Bytes::from(vec![number; 64 << 10]));
    let first = stream::iter((0..PIECES / 2).map(piece));
    let wait = stream::once_future(async move {
        gate.recv().await.ok();
        io::Result::Ok(Bytes::new())
    });
    Body::stream(first.chain(wait).chain(stream::iter((PIECES / 2..PIECES).map(piece))))
}

pub async fn a_body_outlives_a_restart_of_the_server<B: Broker>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let mut server = B::start();
    let sender = builder("sender", runtime.clone(), server.connect().await?).build()?;
    let transport = server.connect().await?;
    let receiver = builder("receiver", runtime.clone(), transport.clone()).build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let (open, gate) = async_channel::bounded::<()>(1);
    let sending = sender.service("receiver").send_body("upload", gated(gate));
    let (sent, told) = async_channel::bounded(1);
    runtime.spawn(Box::pin(async move {
        sent.send(sending.await).await.ok();
    }));
    let message = binding.next().await.expect("it is bound");
    let mut body = message.take_body()?;
    let mut received = 0_usize;
    let mut whole = true;
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        let expected = |at: usize| u8::try_from((received + at) >> 16).expect("128 pieces");
        whole &= bytes.iter().enumerate().all(|(at, byte)| *byte == expected(at));
        received += bytes.len();
        if received == 4 << 20 && !open.is_closed() {
            server.stop();
            disconnected::<B>(&transport).await;
            open.close();
            server.start_again();
        }
    }
    assert!(whole);
    assert_eq!(received, 8 << 20);
    assert_eq!(told.recv().await??.completed(), [receiver.instance()]);
    Ok(())
}

pub async fn bindings_outlive_a_restart_of_the_server<B: Broker>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let mut server = B::start();
    let transport = server.connect().await?;
    let worker = builder("worker", runtime.clone(), transport.clone()).build()?;
    worker.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    server.stop();
    disconnected::<B>(&transport).await;
    server.start_again();
    // Another client, which the server knows before the worker is back, asks until it is.
    let asker = builder("asker", runtime, server.connect().await?).build()?;
    let reply = loop {
        match asker.service("worker").request("echo", "still there?").await {
            Err(error) if error.kind() == ErrorKind::NoReceivers => {}
            reply => break reply?,
        }
    };
    assert_eq!(reply.text().await?, "still there?");
    Ok(())
}
