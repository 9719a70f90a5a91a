//! How much memory a long body takes at each side, and a flood of small messages, each side in a
//! process of its own.

use std::time::Duration;

use crate::{Broker, Outcome, Process, body, builder, server_url, sha256, tokio_multi_thread};
use conduit::ErrorKind;
use conduit_tokio::Tokio;
use futures_lite::{FutureExt, StreamExt};
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

/// Runs the tests of [`memory`](crate::suites::memory) about floods, in a program that has the allocator
/// of [`memory_suite`](crate::memory_suite), against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! flood_suite {
    ($($how:tt)+) => {
        $crate::with_processes! {
            memory for $($how)+:
            processes flooder, flooded;
            tests a_flood_at_a_slow_binding_is_counted_and_takes_what_may_wait
        }
    };
}

const LENGTH: u64 = 1 << 30;
const WINDOW: usize = 1 << 20;

/// For so many bytes the reader is slow: it pauses after each piece.
const SLOW: usize = 8 << 20;
const PAUSE: Duration = Duration::from_millis(2);

/// How many messages a flood has, and how long each is: 192 MiB in all.
const FLOOD: u64 = 48 << 10;
const MESSAGE: usize = 4 << 10;

/// What may wait of it by default, in a transport's subscription and in a binding, and as much again: a
/// packet keeps the buffer that it was read into, of which others may need little.
const WAITING: usize = 2 * ((32 << 20) + (4 << 20));

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
    take_at_most::<B>(["memory::sender", "memory::receiver"], 4 * WINDOW)
}

/// Runs two processes, the second of which has to be bound first, and compares what each takes with a limit.
fn take_at_most<B: Broker>([sender, receiver]: [&'static str; 2], most: usize) -> Outcome {
    tokio_multi_thread(async move {
        let server = B::start();
        let receiver = Process::start(receiver, &server.url());
        receiver.says("bound").await;
        let sender = Process::start(sender, &server.url());
        for process in [sender, receiver] {
            let extra: usize = process.says("extra").await.parse()?;
            process.passes().await;
            assert!(extra <= most, "{extra} bytes");
        }
        Ok(())
    })
}

/// Sends one message after the other, and compares what it has sent with what has become of it.
pub fn flooder<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let transport = B::connect_to(server_url()).await?;
        let flooder = builder("flooder", Tokio, transport).build()?;
        let flooded = flooder.service("flooded");
        extra(async {
            let message = "x".repeat(MESSAGE);
            for _ in 0..FLOOD {
                flooded.send("event", &message).await?;
            }
            flooded.request("hurry", "").await?;
            let mut sent = FLOOD;
            // The answer to what was sent last counts all that was sent before it.
            let counted = loop {
                sent += 1;
                match flooded.request("event", "and?").await {
                    Ok(reply) => break reply.text().await?,
                    Err(error) if error.kind() == ErrorKind::Overloaded => {}
                    Err(error) => return Err(error.into()),
                }
            };
            let counts: Vec<u64> = counted.split(' ').map(str::parse).collect::<Result<_, _>>()?;
            assert_eq!(counts.iter().sum::<u64>(), sent, "received, lost and missed: {counted}");
            assert!(counts[0] < sent, "it was no flood: {counted}");
            Ok(())
        })
        .await
    })
}

/// Reads slowly until it is told to hurry.
pub fn flooded<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let transport = B::connect_to(server_url()).await?;
        let flooded = builder("flooded", Tokio, transport).build()?;
        let mut events = flooded.bind("event").await?;
        let mut hurry = flooded.queue_bind("hurry").await?;
        eprintln!("bound");
        extra(async {
            let (mut received, mut is_slow) = (0_u64, true);
            loop {
                let told = async { (true, hurry.next().await) };
                let (is_told, message) = told.or(async { (false, events.next().await) }).await;
                let message = message.ok_or("it is bound")?;
                if is_told {
                    is_slow = false;
                    message.reply("").await?;
                    continue;
                }
                received += 1;
                if message.is_request() {
                    let counts = format!("{received} {} {}", events.lost(), events.missed());
                    message.reply(&counts).await?;
                    break;
                }
                if is_slow {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            flooded.close().await;
            Ok(())
        })
        .await
    })
}

pub fn a_flood_at_a_slow_binding_is_counted_and_takes_what_may_wait<B: Broker>() -> Outcome {
    take_at_most::<B>(["memory::flooder", "memory::flooded"], WAITING)
}
