//! After much work a conduit leaves nothing: not at the server, not in the process.

mod support;

use std::time::Duration;

use conduit::{Conduit, Runtime};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future};
use peak_alloc::PeakAlloc;
use support::{Outcome, Server, Text, builder, released, run};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What may have grown for good: the capacity of a table here and there.
const GROWN: usize = 256 << 10;

const WORKERS: usize = 20;

#[test]
fn nothing_stays() -> Outcome {
    support::tokio_multi_thread(works_and_leaves_nothing(conduit_tokio::Tokio))
}

async fn works_and_leaves_nothing(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let (here, there) = (Nats::connect(server.url()).await?, Nats::connect(server.url()).await?);
    // What is remembered of ended bodies is forgotten after it.
    let limit = Duration::from_millis(300);
    let asker = builder("asker", runtime.clone(), here).idle_limit(limit).build()?;
    let worker = builder("worker", runtime.clone(), there).idle_limit(limit).build()?;
    for _ in 0..WORKERS {
        worker.queue_bind("echo").await?.to(|message| async move {
            let body = message.take_body()?;
            message.reply_body(body).await
        });
    }
    worker.queue_bind("upload").await?.to(|message| async move {
        let mut body = message.take_body()?;
        while let Some(bytes) = body.next().await {
            bytes?;
        }
        Ok::<_, conduit::Error>(())
    });
    worker.queue_bind("endless").await?.to(|_message| std::future::pending::<()>());

    // What is held before any work is all that may be held after it; of what is still ending
    // after some work, nobody could tell. The first body makes sure that both have subscribed.
    let before = [(&asker, asker.stats()), (&worker, worker.stats())];
    settle(&asker, limit).await?;
    let at_server = held_by(&server);
    let all_released = async || {
        settle(&asker, limit).await?;
        released(&before).await;
        while held_by(&server) != at_server {
            future::yield_now().await;
        }
        Outcome::Ok(())
    };

    // The first time makes what is then kept: tables, and the buffers of the connections.
    work(&runtime, &asker, 10).await?;
    all_released().await?;
    let allocated = ALLOCATOR.current_usage();
    work(&runtime, &asker, 1).await?;
    all_released().await?;
    let now = ALLOCATOR.current_usage();
    assert!(now < allocated + GROWN, "there were {allocated} bytes allocated, and are {now}");
    Ok(())
}

/// 100,000 requests, 1,000 bodies, 1,000 bindings and 1,000 dropped futures, or a part of them.
async fn work<R: Runtime>(runtime: &R, asker: &Conduit<Text>, part: usize) -> Outcome {
    let each = move |all: usize| all / part / WORKERS;
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let asker = asker.clone();
        workers.push(run(
            runtime,
            Box::pin(async move {
                let to = asker.service("worker");
                for _ in 0..each(100_000) {
                    to.request("echo", "short").await?.text().await?;
                }
                for _ in 0..each(1_000) {
                    to.send_body("upload", vec![1; 64 << 10]).await?;
                }
                for number in 0..each(1_000) {
                    let bound = asker.bind(format!("own.{worker}.{number}")).await?;
                    bound.unbind().await;
                }
                for number in 0..each(1_000) {
                    abandon(&asker, number).await;
                }
                Outcome::Ok(())
            }),
        ));
    }
    for worker in workers {
        worker.await?;
    }
    Ok(())
}

/// Begins something and drops it, somewhere on the way.
async fn abandon(asker: &Conduit<Text>, number: usize) {
    let to = asker.service("worker");
    let body = || vec![1; 256 << 10];
    let begun: future::Boxed<()> = match number % 5 {
        0 => Box::pin(async move { drop(to.request("endless", "?").await) }),
        1 => Box::pin(async move { drop(to.request_body("endless", body()).await) }),
        2 => Box::pin(async move { drop(to.send_body("upload", body()).await) }),
        3 => Box::pin(async move { drop(to.request("echo", "?").await) }),
        _ => {
            let asker = asker.clone();
            Box::pin(async move { drop(asker.bind("own.dropped").await) })
        }
    };
    let turns = async {
        for _ in 0..number {
            future::yield_now().await;
        }
    };
    future::or(begun, turns).await;
}

/// Lets the idle limit pass, after which ended bodies and requests are forgotten when others end.
async fn settle(asker: &Conduit<Text>, limit: Duration) -> Outcome {
    smol::Timer::after(2 * limit).await;
    let to = asker.service("worker");
    to.send_body("upload", vec![1; 64 << 10]).await?;
    to.request_body("echo", vec![1; 64 << 10]).await?.to_bytes().await?;
    Ok(())
}

/// Connections and subscriptions, by the server's account.
fn held_by(server: &Server) -> [u64; 3] {
    let connections = server.monitored("/connz?subs=1");
    let subscriptions = server.monitored("/subsz?subs=1");
    let each = connections["connections"].as_array().into_iter().flatten();
    [
        connections["num_connections"].as_u64().expect("a number"),
        each.map(|connection| connection["subscriptions"].as_u64().expect("a number")).sum(),
        subscriptions["num_subscriptions"].as_u64().expect("a number"),
    ]
}
