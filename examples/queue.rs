//! `cargo run --example queue`
//!
//! Of all queue bindings of a subject one gets a message, so that instances share the work. Plain
//! bindings of the same subject get every message besides.

use std::error::Error;

use conduit::Conduit;
use conduit_memory::Memory;
use conduit_msgpack::MessagePack;
use conduit_smol::Smol;
use serde::{Deserialize, Serialize};
use smol::channel;

const JOBS: u32 = 9;

#[derive(Serialize, Deserialize)]
struct Job {
    number: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let broker = Memory::new();
        let connect = |service| Conduit::new(service, Smol, broker.clone(), MessagePack);

        // Three instances work, and the first also watches.
        let (done, results) = channel::unbounded();
        let mut workers = Vec::new();
        for name in ["ada", "bob", "eve"] {
            let conduit = connect("worker")?;
            let done = done.clone();
            let worker = conduit.queue_bind("job.run").await?.to(move |message| {
                let done = done.clone();
                async move {
                    let job: Job = message.decode().await?;
                    println!("{name} runs job {}", job.number);
                    done.send(job.number).await.ok();
                    Ok::<_, conduit::Error>(())
                }
            });
            workers.push((conduit, worker));
        }
        let mut seen = workers[0].0.bind("job.run").await?;

        let boss = connect("boss")?;
        for number in 1..=JOBS {
            let job = Job { number };
            boss.service("worker").send("job.run", &job).await?;
            if number == JOBS / 2 {
                // What a worker that leaves was given, it still runs: nothing is lost.
                let (_, eve) = &workers[2];
                eve.unbind().await;
                println!("eve has left");
            }
        }

        let mut run = Vec::new();
        for _ in 0..JOBS {
            run.push(results.recv().await?);
        }
        run.sort_unstable();
        println!("run, each by one worker: {run:?}");

        let mut watched = Vec::new();
        for _ in 0..JOBS {
            let message = seen.next().await.ok_or("the binding ended")?;
            watched.push(message.decode::<Job>().await?.number);
        }
        println!("seen by the plain binding: {watched:?}");
        Ok(())
    })
}
