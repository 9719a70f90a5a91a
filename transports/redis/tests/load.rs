//! Many bodies at once, within what a connection bears by default.

mod support;

use conduit::Runtime;
use support::{
    Outcome, PATIENT, Server, body, connected, read, released, run, sha256, with_every_runtime,
};

with_every_runtime!(many_bodies_arrive_whole, broadcasts_reach_three_instances);

const LENGTH: u64 = 1 << 20;

/// What the bodies of a connection may hold by default.
const BUDGET: u64 = 6 << 20;

async fn many_bodies_arrive_whole(runtime: impl Runtime + Clone) -> Outcome {
    const COUNT: usize = 60;
    let digest = sha256(LENGTH);
    let server = Server::start();
    // It offers them again until there is room.
    let sender = connected("sender", &runtime, &server).await?.send_timeout(PATIENT).build()?;
    let receiver = connected("receiver", &runtime, &server).await?.build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let before = [(&sender, sender.stats()), (&receiver, receiver.stats())];
    let upload = || sender.service("receiver").send_body("upload", body(LENGTH));
    let sent: Vec<_> = (0..COUNT).map(|_| run(&runtime, upload())).collect();
    let mut reading = Vec::new();
    for _ in 0..COUNT {
        let body = binding.next().await.expect("it is bound").take_body()?;
        let held = receiver.clone();
        reading.push(run(
            &runtime,
            read(body, move |_| {
                let held = held.stats().incoming_bytes;
                assert!(held <= BUDGET, "{held} bytes are held");
            }),
        ));
    }
    for read in reading {
        assert_eq!(read.await?, digest);
    }
    for sent in sent {
        let sent = sent.await?;
        assert_eq!((sent.completed().len(), sent.failed().len()), (1, 0));
    }
    released(&before).await;
    Ok(())
}

async fn broadcasts_reach_three_instances(runtime: impl Runtime + Clone) -> Outcome {
    const COUNT: usize = 12;
    let digest = sha256(LENGTH);
    let server = Server::start();
    let sender = connected("sender", &runtime, &server).await?.join_window(PATIENT);
    // On a slow machine each of so many may take longer than the lag limit for a window.
    let sender = sender.lag_limit(PATIENT).build()?;
    let mut receivers = Vec::new();
    let mut bindings = Vec::new();
    for _ in 0..3 {
        let receiver = connected("receiver", &runtime, &server).await?.build()?;
        bindings.push(receiver.bind("upload").await?);
        receivers.push(receiver);
    }
    let before: Vec<_> = receivers.iter().chain([&sender]).map(|c| (c, c.stats())).collect();
    let upload = || sender.service("receiver").send_body("upload", body(LENGTH)).expect(3);
    let sent: Vec<_> = (0..COUNT).map(|_| run(&runtime, upload())).collect();
    let mut reading = Vec::new();
    for _ in 0..COUNT {
        for binding in &mut bindings {
            let body = binding.next().await.expect("it is bound").take_body()?;
            reading.push(run(&runtime, read(body, |_| {})));
        }
    }
    for read in reading {
        assert_eq!(read.await?, digest);
    }
    for sent in sent {
        let sent = sent.await?;
        assert_eq!((sent.completed().len(), sent.failed().len()), (3, 0));
    }
    released(&before).await;
    Ok(())
}
