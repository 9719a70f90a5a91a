//! Long bodies whose server is killed three times under way, and comes back.

use std::{sync::OnceLock, thread, time::Duration};

use crate::{Broker, Outcome, PATIENT, body, connected, read, released, run, sha256};
use conduit::Runtime;
use sha2::{Sha256, digest::Output};

/// Runs the tests of [`server_killed`](crate::suites::server_killed) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! server_killed_suite {
    ($($how:tt)+) => {
        $crate::with_every_runtime! {
            server_killed for $($how)+:
            what_is_sent_outlives_three_kills,
            a_broadcast_outlives_three_kills,
            a_reply_outlives_three_kills,
        }
    };
}

/// The digest of a long body. Known before a test begins: a task that computes it holds up its thread
/// for a while.
fn digest<B: Broker>() -> &'static Output<Sha256> {
    static SHA256: OnceLock<Output<Sha256>> = OnceLock::new();
    SHA256.get_or_init(|| sha256(B::LONG))
}

/// A server that is killed when 25, 50 and 75% have been received.
struct Kills<B> {
    /// Empty while it is away.
    server: async_channel::Receiver<B>,
    back: async_channel::Sender<B>,
    at: Vec<u64>,
}

impl<B: Broker> Kills<B> {
    fn new(server: B) -> Self {
        let (back, receiver) = async_channel::bounded(1);
        back.try_send(server).expect("there is room for one");
        Self {
            server: receiver,
            back,
            at: [75, 50, 25].map(|percent| B::LONG / 100 * percent).into(),
        }
    }

    /// Tells how much has been received. A killed server is back after a second.
    fn progress(&mut self, received: u64) {
        if self.at.pop_if(|at| received >= *at).is_none() {
            return;
        }
        let mut server = self.server.recv_blocking().expect("it comes back");
        let back = self.back.clone();
        // Not here, where it would hold up the conduits.
        thread::spawn(move || {
            server.stop();
            thread::sleep(Duration::from_secs(1));
            server.start_again();
            back.try_send(server).expect("there is room for one");
        });
    }

    fn are_over(&self) -> bool {
        self.at.is_empty()
    }
}

pub async fn what_is_sent_outlives_three_kills<B: Broker>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let expected = digest::<B>();
    let server = B::start();
    let sender = connected("sender", &runtime, &server).await?.build()?;
    let receiver = connected("receiver", &runtime, &server).await?.build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let before = [(&sender, sender.stats()), (&receiver, receiver.stats())];
    let sent = run(&runtime, sender.service("receiver").send_body("upload", body(B::LONG)));
    let message = binding.next().await.expect("it is bound");
    let mut kills = Kills::new(server);
    let digest = read(message.take_body()?, |at| kills.progress(at)).await?;
    assert_eq!(digest, *expected);
    assert!(kills.are_over());
    assert_eq!(sent.await?.completed(), [receiver.instance()]);
    released(&before).await;
    Ok(())
}

pub async fn a_broadcast_outlives_three_kills<B: Broker>(runtime: impl Runtime + Clone) -> Outcome {
    let expected = digest::<B>();
    let server = B::start();
    let sender = connected("sender", &runtime, &server).await?.join_window(PATIENT).build()?;
    let mut receivers = Vec::new();
    let mut bindings = Vec::new();
    for _ in 0..3 {
        let receiver = connected("receiver", &runtime, &server).await?.build()?;
        bindings.push(receiver.bind("upload").await?);
        receivers.push(receiver);
    }
    let before: Vec<_> = receivers.iter().chain([&sender]).map(|c| (c, c.stats())).collect();
    let sending = sender.service("receiver").send_body("upload", body(B::LONG)).expect(3);
    let sent = run(&runtime, sending);
    let mut kills = Kills::new(server);
    let mut reading = Vec::new();
    for binding in &mut bindings[1..] {
        let body = binding.next().await.expect("it is bound").take_body()?;
        reading.push(run(&runtime, read(body, |_| {})));
    }
    // One of them is watched: the others are at most a window before it or behind it.
    let body = bindings[0].next().await.expect("it is bound").take_body()?;
    assert_eq!(read(body, |at| kills.progress(at)).await?, *expected);
    assert!(kills.are_over());
    for digest in reading {
        assert_eq!(digest.await?, *expected);
    }
    let sent = sent.await?;
    assert_eq!((sent.completed().len(), sent.failed().len()), (3, 0), "{sent:?}");
    released(&before).await;
    Ok(())
}

pub async fn a_reply_outlives_three_kills<B: Broker>(runtime: impl Runtime + Clone) -> Outcome {
    let expected = digest::<B>();
    let server = B::start();
    let asker = connected("asker", &runtime, &server).await?.build()?;
    let worker = connected("worker", &runtime, &server).await?.build()?;
    let handler = worker.queue_bind("download").await?;
    handler.to(async |message| message.reply_body(body(B::LONG)).await);
    let before = [(&asker, asker.stats()), (&worker, worker.stats())];
    let reply = asker.service("worker").request("download", "all of it").no_timeout().await?;
    let mut kills = Kills::new(server);
    let digest = read(reply.take_body()?, |at| kills.progress(at)).await?;
    assert_eq!(digest, *expected);
    assert!(kills.are_over());
    drop(reply);
    released(&before).await;
    Ok(())
}
