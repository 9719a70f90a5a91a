//! Many bodies at once.

mod support;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use conduit::Runtime;
use conduit_testing::{Trial, run_trials};
use support::{
    Outcome, PATIENT, Server, body, connected, read, released, run, sha256, with_every_runtime,
};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    list(&mut trials);
    run_trials(trials)
}

fn list(trials: &mut Vec<Trial>) {
    with_every_runtime!(
        into trials: two_hundred_bodies_arrive_whole,
        a_hundred_broadcasts_reach_three_instances,
    );
}

/// Several times the window.
const LENGTH: u64 = 1 << 20;
const WINDOW: u64 = 256 << 10;

async fn two_hundred_bodies_arrive_whole(runtime: impl Runtime + Clone) -> Outcome {
    const COUNT: usize = 200;
    let digest = sha256(LENGTH);
    let server = Server::start();
    let sender = connected("sender", &runtime, &server).await?.body_window(WINDOW).build()?;
    let receiver = connected("receiver", &runtime, &server).await?;
    // A third of the room is for one sender.
    let receiver = receiver.body_window(WINDOW).body_budget(96 << 20);
    let receiver = receiver.max_bodies_per_binding(3 * COUNT).build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let before = [(&sender, sender.stats()), (&receiver, receiver.stats())];
    let upload = || sender.service("receiver").send_body("upload", body(LENGTH));
    let sent: Vec<_> = (0..COUNT).map(|_| run(&runtime, upload())).collect();
    let mut reading = Vec::new();
    for _ in 0..COUNT {
        let body = binding.next().await.expect("it is bound").take_body()?;
        reading.push(run(&runtime, read(body, |_| {})));
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

/// Keeps two cores from doing anything else, until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Self {
        let over = Arc::<AtomicBool>::default();
        for _ in 0..2 {
            let over = Arc::clone(&over);
            thread::spawn(move || while !over.load(Ordering::Relaxed) {});
        }
        Self(over)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn a_hundred_broadcasts_reach_three_instances(runtime: impl Runtime + Clone) -> Outcome {
    const COUNT: usize = 100;
    let digest = sha256(LENGTH);
    let server = Server::start();
    let sender = connected("sender", &runtime, &server).await?.join_window(PATIENT);
    // On a slow machine each of so many may take longer than the lag limit for a window.
    let sender = sender.lag_limit(PATIENT).body_window(WINDOW).build()?;
    let mut receivers = Vec::new();
    let mut bindings = Vec::new();
    for _ in 0..3 {
        let receiver = connected("receiver", &runtime, &server).await?;
        let receiver = receiver.body_window(WINDOW).build()?;
        bindings.push(receiver.bind("upload").await?);
        receivers.push(receiver);
    }
    let before: Vec<_> = receivers.iter().chain([&sender]).map(|c| (c, c.stats())).collect();
    let _busy = Busy::start();
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
