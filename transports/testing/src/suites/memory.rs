//! How much memory a long body takes at each side, each in a process of its own.

use std::time::Duration;

use crate::{Broker, Outcome, Process, body, builder, server_url, sha256, tokio_multi_thread};
use conduit_tokio::Tokio;
use futures_lite::StreamExt;
use peak_alloc::PeakAlloc;

/// Runs the tests of [`memory`](crate::suites::memory) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! memory_suite {
    ($broker:ty) => {
        #[global_allocator]
        static ALLOCATOR: $crate::PeakAlloc = $crate::PeakAlloc;

        $crate::memory_suite!(@ $broker);
    };
    // The program has that allocator.
    ($broker:ty, into $trials:ident) => {
        $crate::memory_suite!(@ $broker, into $trials);
    };
    (@ $($how:tt)+) => {
        $crate::with_processes! {
            memory for $($how)+:
            processes sender, receiver;
            tests a_long_body_takes_a_few_windows_at_each_side
        }
    };
}

const LENGTH: u64 = 1 << 30;
const WINDOW: usize = 1 << 20;

/// For so many bytes the reader is slow: it pauses after each piece.
const SLOW: usize = 8 << 20;
const PAUSE: Duration = Duration::from_millis(2);

/// Runs something, and says how many bytes it had allocated at most, beyond those before it.
async fn extra(work: impl Future<Output = Outcome>) -> Outcome {
    let before = PeakAlloc.current_usage();
    PeakAlloc.reset_peak_usage();
    work.await?;
    eprintln!("extra {}", PeakAlloc.peak_usage() - before);
    Ok(())
}

pub fn sender<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let transport = B::connect_to(server_url()).await?;
        let sender = builder("sender", Tokio, transport).build()?;
        // This makes the table that bodies are made of.
        let _ = sha256(1);
        extra(async {
            sender.service("receiver").send_body("upload", body(LENGTH)).await?;
            Ok(())
        })
        .await
    })
}

pub fn receiver<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let transport = B::connect_to(server_url()).await?;
        let receiver = builder("receiver", Tokio, transport).build()?;
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

pub fn a_long_body_takes_a_few_windows_at_each_side<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let server = B::start();
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
