//! A mixed load on a server that is killed again and again, for as many minutes as it is told:
//!
//! ```sh
//! SOAK_MINUTES=20 cargo test --release -p conduit-nats --test soak -- --ignored --nocapture
//! ```
//!
//! It prints what was sent, received and failed, by kind, and the memory that it took. It fails
//! where a body is wrong, where a sender is told of more readers than there were, or where anything
//! is held when the load has ended.

mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use conduit::{Conduit, Delivery, Error, Message};
use conduit_nats::Nats;
use conduit_tokio::Tokio;
use futures_lite::{StreamExt, future};
use peak_alloc::PeakAlloc;
use support::{Outcome, Server, Text, builder, released};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// How many instances of the service there are.
const INSTANCES: usize = 2;

/// What happened how often.
#[derive(Clone, Default)]
struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

impl Tally {
    fn count(&self, what: impl Into<String>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what.into()).or_default() += 1;
    }

    fn result<T>(&self, what: &str, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.count(format!("{what}: done")),
            Err(error) => {
                self.count(format!("{what}: {:?}, executed {:?}", error.kind(), error.executed()));
            }
        }
    }

    fn of(&self, what: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(what).copied().unwrap_or_default()
    }

    fn print(&self, since: Instant) {
        let mib = |bytes: usize| bytes >> 20;
        let (now, peak) = (mib(ALLOCATOR.current_usage()), mib(ALLOCATOR.peak_usage()));
        let seconds = since.elapsed().as_secs();
        println!("--- after {seconds} s, {now} MiB allocated, at most {peak}, {}", memory());
        for (what, count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            println!("{count:>12}  {what}");
        }
    }
}

/// What the system says of this process, where it says something.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines =
        status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
#[ignore = "it takes as long as it is told"]
fn soak() -> Outcome {
    let minutes = env::var("SOAK_MINUTES").ok().and_then(|minutes| minutes.parse().ok());
    let seed = env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SOAK_SEED={seed}");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(Duration::from_secs(60 * minutes.unwrap_or(1)), seed))
}

async fn run(how_long: Duration, seed: u64) -> Outcome {
    let (tally, start) = (Tally::default(), Instant::now());
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut server = Server::start();
    let mut receivers = Vec::new();
    for _ in 0..INSTANCES {
        let nats = Nats::connect(server.url()).await?;
        receivers
            .push(builder("receiver", Tokio, nats).join_window(Duration::from_secs(2)).build()?);
    }
    for receiver in &receivers {
        receive(receiver, &tally).await?;
    }
    let nats = Nats::connect(server.url()).await?;
    let sender = builder("sender", Tokio, nats).join_window(Duration::from_secs(2)).build()?;
    let before: Vec<_> = receivers.iter().chain([&sender]).map(|c| (c, c.stats())).collect();

    let mut load = Vec::new();
    for (work, copies) in [
        (Work::Send, 4),
        (Work::Queue, 2),
        (Work::Request, 8),
        (Work::Upload, 2),
        (Work::Broadcast, 2),
        (Work::Echo, 2),
        (Work::Drop, 2),
        (Work::Bind, 2),
    ] {
        for _ in 0..copies {
            let (sender, tally) = (sender.clone(), tally.clone());
            let mut rng = rng.fork();
            load.push(tokio::spawn(async move {
                while start.elapsed() < how_long {
                    work.once(&sender, &tally, &mut rng).await;
                    pause(&mut rng, 20).await;
                }
            }));
        }
    }
    let mut printed = 0;
    while start.elapsed() < how_long {
        pause(&mut rng, 15_000).await;
        server.stop();
        tally.count("server: killed");
        pause(&mut rng, 3_000).await;
        server.start_again();
        if start.elapsed().as_secs() / 60 > printed {
            printed = start.elapsed().as_secs() / 60;
            tally.print(start);
        }
    }
    for task in load {
        task.await?;
    }
    released(&before).await;
    tally.print(start);
    for (conduit, _) in &before {
        println!("{} {:?}", conduit.name(), conduit.stats());
    }
    assert_eq!(tally.of("body: wrong"), 0);
    // Each completion that a sender was told of is a reader that has seen the end.
    assert!(tally.of("body: told of") <= tally.of("body: read to the end"));
    Ok(())
}

async fn pause(rng: &mut fastrand::Rng, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(rng.u64(..most_ms))).await;
}

/// Binds whatever the load sends to.
async fn receive(receiver: &Conduit<Text>, tally: &Tally) -> Outcome {
    for subject in ["send", "broadcast"] {
        let tally = tally.clone();
        receiver.bind(subject).await?.to(move |message| read(message, tally.clone()));
    }
    for subject in ["queue", "upload"] {
        let tally = tally.clone();
        receiver.queue_bind(subject).await?.to(move |message| read(message, tally.clone()));
    }
    for _ in 0..8 {
        receiver.queue_bind("echo").await?.to(|message| async move {
            let body = message.take_body()?;
            message.reply_body(body).await
        });
    }
    // Those whose cancellation is lost with the server are handled to the end.
    receiver.queue_bind("slow").await?.to(|message| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        message.reply("late").await
    });
    Ok(())
}

/// The bytes of a body are all the same.
async fn read(message: Message<Text>, tally: Tally) -> Result<(), Error> {
    let what = message.subject().to_string();
    let mut body = message.take_body()?;
    let (mut first, mut length) = (None, 0);
    while let Some(bytes) = body.next().await {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                tally.count(format!("received {what}: {:?}", error.kind()));
                return Ok(());
            }
        };
        let same = *first.get_or_insert(bytes.first().copied());
        if bytes.iter().any(|byte| Some(*byte) != same) {
            tally.count("body: wrong");
        }
        length += bytes.len();
    }
    tally.count(format!("received {what}: whole"));
    if length > 16 << 10 {
        tally.count("body: read to the end");
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Work {
    Send,
    Queue,
    Request,
    Upload,
    Broadcast,
    Echo,
    Drop,
    Bind,
}

impl Work {
    async fn once(self, sender: &Conduit<Text>, tally: &Tally, rng: &mut fastrand::Rng) {
        let to = sender.service("receiver");
        let body = |rng: &mut fastrand::Rng, length| vec![rng.u8(..); length];
        let patience = Duration::from_secs(20);
        match self {
            Self::Send => tally.result("send", &to.send_body("send", body(rng, 100)).await),
            Self::Queue => tally.result("queue", &to.send_body("queue", body(rng, 100)).await),
            Self::Request => {
                let reply = to.request("echo", "the same").timeout(patience).await;
                tally.result("request", &reply);
                if let Ok(reply) = reply {
                    let text = reply.text().await;
                    assert!(text.is_ok_and(|text| text == "the same"), "a wrong reply");
                }
            }
            Self::Upload | Self::Broadcast => {
                let length = rng.usize(100_000..4 << 20);
                let body = body(rng, length);
                let (what, sending) = match self {
                    Self::Upload => ("upload", to.send_body("upload", body)),
                    _ => ("broadcast", to.send_body("broadcast", body).expect(INSTANCES)),
                };
                let sent = sending.await;
                tally.result(what, &sent);
                for _ in sent.iter().flat_map(Delivery::completed) {
                    tally.count("body: told of");
                }
                for failed in sent.iter().flat_map(Delivery::failed) {
                    tally.count(format!("{what}: in part {:?}", failed.error.kind()));
                }
            }
            Self::Echo => {
                let sent = body(rng, 1 << 20);
                let reply = to.request_body("echo", sent.clone()).timeout(patience).await;
                tally.result("echo", &reply);
                if let Ok(reply) = reply {
                    let bytes = reply.to_bytes().await;
                    tally.result("echo read", &bytes);
                    if bytes.is_ok_and(|bytes| bytes != sent) {
                        tally.count("body: wrong");
                    }
                }
            }
            Self::Drop => {
                let request =
                    async { to.request("slow", "for a moment").timeout(patience).await.map(drop) };
                let dropped = async {
                    pause(rng, 200).await;
                    tally.count("request: dropped");
                    Ok(())
                };
                if let Err(error) = future::or(request, dropped).await {
                    tally.result("dropped", &Err::<(), _>(error));
                }
            }
            Self::Bind => {
                let bound = sender.bind(format!("own.{}", rng.u32(..8))).await;
                tally.result("bind", &bound);
                if let Ok(bound) = bound {
                    pause(rng, 50).await;
                    bound.unbind().await;
                }
            }
        }
    }
}
