//! Bodies whose server is gone, or stands still, for longer than the idle limit.

use std::{error::Error, time::Duration};

use conduit::{Conduit, ErrorKind, Executed, IncomingBody, Runtime};
use conduit_nats::Nats;

use crate::support::{
    Outcome, PATIENT, Server, Text, body, builder, connected, read, released, run,
    with_every_runtime,
};

with_every_runtime!(
    what_is_sent_fails_at_both_sides,
    so_it_does_if_the_server_stands_still,
    a_broadcast_fails_at_every_side,
    a_reply_fails_at_both_sides,
    what_was_not_handed_over_did_not_run,
);

const LENGTH: u64 = 64 << 20;

/// Short, since every test waits for it to pass.
const IDLE_LIMIT: Duration = Duration::from_secs(3);

async fn conduit(
    service: &str,
    runtime: &(impl Runtime + Clone),
    server: &Server,
) -> Result<Conduit<Text>, Box<dyn Error + Send + Sync>> {
    let half = connected(service, runtime, server).await?;
    Ok(half.idle_limit(IDLE_LIMIT).join_window(PATIENT).build()?)
}

/// Reads until a part is there, ends the server for good, and reads to the error.
async fn read_and(body: IncomingBody, mut end: impl FnMut()) -> conduit::Error {
    let read = read(body, |at| {
        if at >= LENGTH / 4 {
            end();
        }
    });
    read.await.expect_err("the server is gone")
}

async fn what_is_sent_fails_at_both_sides(runtime: impl Runtime + Clone) -> Outcome {
    what_is_sent_fails(runtime, Server::stop).await
}

/// Then the connections stand as well, and whatever fits their buffers can be written.
async fn so_it_does_if_the_server_stands_still(runtime: impl Runtime + Clone) -> Outcome {
    what_is_sent_fails(runtime, |server| server.pause()).await
}

async fn what_is_sent_fails(runtime: impl Runtime + Clone, end: fn(&mut Server)) -> Outcome {
    let mut server = Server::start();
    let sender = conduit("sender", &runtime, &server).await?;
    let receiver = conduit("receiver", &runtime, &server).await?;
    let mut binding = receiver.queue_bind("upload").await?;
    let before = [(&sender, sender.stats()), (&receiver, receiver.stats())];
    let sent = run(&runtime, sender.service("receiver").send_body("upload", body(LENGTH)));
    let message = binding.next().await.expect("it is bound");
    let error = read_and(message.take_body()?, || end(&mut server)).await;
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
    let error = sent.await.expect_err("the server is gone");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
    drop(message);
    released(&before).await;
    Ok(())
}

async fn a_broadcast_fails_at_every_side(runtime: impl Runtime + Clone) -> Outcome {
    let mut server = Server::start();
    let sender = conduit("sender", &runtime, &server).await?;
    let mut receivers = Vec::new();
    let mut bindings = Vec::new();
    for _ in 0..3 {
        let receiver = conduit("receiver", &runtime, &server).await?;
        bindings.push(receiver.bind("upload").await?);
        receivers.push(receiver);
    }
    let before: Vec<_> = receivers.iter().chain([&sender]).map(|c| (c, c.stats())).collect();
    let sending = sender.service("receiver").send_body("upload", body(LENGTH)).expect(3);
    let sent = run(&runtime, sending);
    let mut reading = Vec::new();
    for binding in &mut bindings[1..] {
        let body = binding.next().await.expect("it is bound").take_body()?;
        reading.push(run(&runtime, read(body, |_| {})));
    }
    let body = bindings[0].next().await.expect("it is bound").take_body()?;
    let mut errors = vec![read_and(body, || server.stop()).await];
    for read in reading {
        errors.push(read.await.expect_err("the server is gone"));
    }
    errors.push(sent.await.expect_err("the server is gone"));
    for error in errors {
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
    }
    released(&before).await;
    Ok(())
}

async fn a_reply_fails_at_both_sides(runtime: impl Runtime + Clone) -> Outcome {
    let mut server = Server::start();
    let asker = conduit("asker", &runtime, &server).await?;
    let worker = conduit("worker", &runtime, &server).await?;
    let mut binding = worker.queue_bind("download").await?;
    let before = [(&asker, asker.stats()), (&worker, worker.stats())];
    let asking = asker.service("worker").request("download", "all of it").no_timeout();
    let asking = run(&runtime, asking);
    let request = binding.next().await.expect("it is bound");
    let replied = run(&runtime, request.reply_body(body(LENGTH)));
    let reply = asking.await?;
    let error = read_and(reply.take_body()?, || server.stop()).await;
    // It has replied, after all.
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Yes));
    let error = replied.await.expect_err("the server is gone");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
    drop((reply, request));
    released(&before).await;
    Ok(())
}

/// Without a connection nothing leaves, and what did before may have arrived.
async fn what_was_not_handed_over_did_not_run(runtime: impl Runtime + Clone) -> Outcome {
    const SHORT: Duration = Duration::from_millis(300);
    let mut server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let asker = builder("asker", runtime.clone(), nats.clone()).send_timeout(SHORT).build()?;
    let worker = connected("worker", &runtime, &server).await?.build()?;
    let mut binding = worker.queue_bind("job").await?;
    let service = asker.service("worker");
    let mut before = Vec::new();
    for size in [8, 1 << 20] {
        let asking = service.request_body("job", vec![7; size]).timeout(Duration::from_secs(3));
        before.push(run(&runtime, asking));
        // Its handler has it, or could.
        let request = binding.next().await.expect("it is bound");
        drop(run(&runtime, async move {
            std::future::pending::<()>().await;
            drop(request);
        }));
    }
    server.stop();
    crate::support::disconnected(&nats).await;
    for size in [8, 1 << 20] {
        let asked = service.request_body("job", vec![7; size]).timeout(SHORT / 3).await;
        let error = asked.map(drop).expect_err("the server is gone");
        let known = (error.kind(), error.executed(), error.is_retryable());
        assert_eq!(known, (ErrorKind::Deadline, Executed::No, false), "{size}");
        let asked = service.request_body("job", vec![7; size]).await;
        let error = asked.map(drop).expect_err("the server is gone");
        let known = (error.kind(), error.executed(), error.is_retryable());
        assert_eq!(known, (ErrorKind::Disconnected, Executed::No, true), "{size}");
    }
    for asked in before {
        let error = asked.await.map(drop).expect_err("the server is gone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Deadline, Executed::Maybe));
    }
    Ok(())
}
