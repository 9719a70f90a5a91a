//! A process that is asked to end by a signal, in the middle of its work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use conduit::{Conduit, Error, Runtime};
use conduit_async_std::AsyncStd;
use conduit_nats::Nats;
use conduit_smol::Smol;
use conduit_tokio::Tokio;
use futures_lite::future;

use crate::support::{
    Outcome, Process, Server, Text, async_std, builder, connected, server_url, smol,
    tokio_current_thread, tokio_multi_thread,
};

/// How many ask at the same time.
const ASKERS: usize = 32;
/// How many requests the process answers before it is asked to end.
const BEFORE: u64 = 200;
/// How long a drain may take. Nothing here takes as long.
const LIMIT: Duration = Duration::from_secs(60);

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A member of the group that says when it has answered some requests. Its handlers take a moment,
/// so that there is always work in progress.
async fn worker<R: Runtime + Clone>(runtime: &R) -> Result<Conduit<Text>, Failed> {
    let worker = builder("worker", runtime.clone(), Nats::connect(server_url()).await?).build()?;
    let (timer, answered) = (runtime.clone(), Arc::new(AtomicU64::new(0)));
    worker.queue_bind("echo").await?.concurrency(ASKERS).to(move |message| {
        let (timer, answered) = (timer.clone(), Arc::clone(&answered));
        async move {
            timer.sleep_until(timer.now() + Duration::from_millis(5)).await;
            message.reply_body(message.take_body()?).await?;
            if answered.fetch_add(1, SeqCst) + 1 == BEFORE {
                eprintln!("busy");
            }
            Ok::<_, Error>(())
        }
    });
    Ok(worker)
}

/// A test that is a process of its own, which ends well when it is asked to.
macro_rules! ends_well {
    ($($name:ident: $run:ident, $runtime:expr, $drain:path;)+) => {
        $(
            #[test]
            #[ignore = "run by a test below, in a process of its own"]
            fn $name() -> Outcome {
                $run(async {
                    let worker = worker(&$runtime).await?;
                    let drained = $drain(&worker, LIMIT).await?;
                    assert_eq!(drained.aborted, 0);
                    Ok(())
                })
            }
        )+

        mod is_asked_to_end {
            $(
                #[test]
                fn $name() -> super::Outcome {
                    super::tokio_multi_thread(super::no_request_fails(concat!("signals::", stringify!($name))))
                }
            )+
        }
    };
}

ends_well! {
    on_tokio: tokio_multi_thread, Tokio, conduit_tokio::drain_on_signal;
    on_tokio_current_thread: tokio_current_thread, Tokio, conduit_tokio::drain_on_signal;
    on_smol: smol, Smol, conduit_smol::drain_on_signal;
    on_async_std: async_std, AsyncStd, conduit_async_std::drain_on_signal;
}

async fn no_request_fails(worker: &'static str) -> Outcome {
    for signal in ["TERM", "INT"] {
        let server = Server::start();
        let process = Process::start(worker, &server.url());
        let asker = connected("asker", &Tokio, &server).await?.build()?;
        let ready = asker.service("worker");
        // One that answers alone, so that it is under way for sure.
        while ready.request("echo", "").await.is_err() {}
        // It takes over, and is slower at first, since it has just begun.
        let other = connected("worker", &Tokio, &server).await?.build()?;
        other
            .queue_bind("echo")
            .await?
            .concurrency(ASKERS)
            .to(|message| async move { message.reply_body(message.take_body()?).await });
        let (ends, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut askers = Vec::new();
        for number in 0..ASKERS {
            let (to, ends, asked) =
                (asker.service("worker"), Arc::clone(&ends), Arc::clone(&asked));
            askers.push(crate::support::run(&Tokio, async move {
                // Some do not fit a packet.
                let body = vec![7; if number % 4 == 0 { 100_000 } else { 100 }];
                while !ends.load(SeqCst) {
                    let reply = to.request_body("echo", body.clone()).await?;
                    assert_eq!(reply.to_bytes().await?, body);
                    asked.fetch_add(1, SeqCst);
                }
                Ok::<_, Error>(())
            }));
        }
        process.says("busy").await;
        process.signal(signal);
        process.passes().await;
        // And what comes after it is answered by the other.
        let until = asked.load(SeqCst) + BEFORE;
        while asked.load(SeqCst) < until {
            future::yield_now().await;
        }
        ends.store(true, SeqCst);
        for asker in askers {
            asker.await?;
        }
    }
    Ok(())
}
