//! How much memory a long body takes at each side, each in a process of its own.

mod support;

use std::time::Duration;

use conduit_redis::Redis;
use conduit_tokio::Tokio;
use futures_lite::StreamExt;
use peak_alloc::PeakAlloc;
use support::{Outcome, Process, Server, body, builder, server_url, sha256, tokio_multi_thread};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const LENGTH: u64 = 1 << 30;
const WINDOW: usize = 1 << 20;

/// For so many bytes the reader is slow: it pauses after each piece.
const SLOW: usize = 8 << 20;
const PAUSE: Duration = Duration::from_millis(2);

/// Runs something, and says how many bytes it had allocated at most, beyond those before it.
async fn extra(work: impl Future<Output = Outcome>) -> Outcome {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work.await?;
    eprintln!("extra {}", ALLOCATOR.peak_usage() - before);
    Ok(())
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn sender() -> Outcome {
    tokio_multi_thread(async {
        let redis = Redis::connect(server_url()).await?;
        let sender = builder("sender", Tokio, redis).build()?;
        // This makes the table that bodies are made of.
        let _ = sha256(1);
        extra(async {
            sender.service("receiver").send_body("upload", body(LENGTH)).await?;
            Ok(())
        })
        .await
    })
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn receiver() -> Outcome {
    tokio_multi_thread(async {
        let redis = Redis::connect(server_url()).await?;
        let receiver = builder("receiver", Tokio, redis).build()?;
        let mut binding = receiver.queue_bind("upload").await?;
        eprintln!("bound");
        extra(async {
            let mut body = binding.next().await.expect("it is bound").take_body()?;
            let mut received = 0;
            while let Some(bytes) = body.next().await {
                received += bytes?.len();
                if received < SLOW {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            assert_eq!(received as u64, LENGTH);
            // The sender is still to be told.
            receiver.close().await;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_long_body_takes_a_few_windows_at_each_side() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let receiver = Process::start("receiver", &server.url());
        receiver.says("bound").await;
        let sender = Process::start("sender", &server.url());
        for process in [sender, receiver] {
            let extra: usize = process.says("extra").await.parse()?;
            process.passes().await;
            assert!(extra <= 4 * WINDOW, "{extra} bytes");
        }
        Ok(())
    })
}
