//! A receiving process that stands still for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit_nats::Nats;
use conduit_tokio::Tokio;

use crate::support::{
    Outcome, Process, Server, body, builder, read, run, server_url, sha256, tokio_multi_thread,
    was_slow,
};

const COUNT: u64 = 100;
const LENGTH: u64 = 16 << 20;
const WINDOW: u64 = 1 << 20;
const BUDGET: u64 = 48 << 20;

/// Receives all of them at once, and says so when it has half.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn receiver() -> Outcome {
    tokio_multi_thread(async {
        let nats = Nats::connect(server_url()).await?;
        let events = nats.events();
        let receiver = builder("receiver", Tokio, nats).build()?;
        let mut binding = receiver.queue_bind("upload").await?;
        eprintln!("bound");
        let total = Arc::<AtomicU64>::default();
        let mut readings = Vec::new();
        for _ in 0..COUNT {
            let body = binding.next().await.expect("it is bound").take_body()?;
            let (total, receiver, mut before) = (Arc::clone(&total), receiver.clone(), 0);
            let progress = move |at| {
                let (half, news) = (COUNT * LENGTH / 2, at - before);
                before = at;
                let total = total.fetch_add(news, Ordering::Relaxed);
                if (total..total + news).contains(&half) {
                    eprintln!("half");
                }
                let held = receiver.stats().incoming_bytes;
                assert!(held <= BUDGET, "{held} bytes are held");
            };
            readings.push(run(&Tokio, read(body, progress)));
        }
        let expected = sha256(LENGTH);
        for reading in readings {
            assert_eq!(reading.await?, expected);
        }
        // The sender is still to be told of the last ones.
        receiver.close().await;
        assert!(!was_slow(events));
        Ok(())
    })
}

#[test]
fn a_receiving_process_may_be_stopped_for_a_while() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let receiver = Process::start("process_stopped::receiver", &server.url());
        receiver.says("bound").await;
        let mut events = Vec::new();
        let mut conduits = Vec::new();
        for service in ["sender", "one", "other"] {
            let nats = Nats::connect(server.url()).await?;
            events.push(nats.events());
            conduits.push(builder(service, Tokio, nats).build()?);
        }
        let [sender, one, other] = &conduits[..] else { unreachable!("there are three") };
        let echo = other.queue_bind("echo").await?;
        echo.to(async |message| message.reply_body(message.to_bytes().await?).await);

        let upload = || sender.service("receiver").send_body("upload", body(LENGTH));
        let sent: Vec<_> = (0..COUNT).map(|_| run(&Tokio, upload())).collect();
        receiver.says("half").await;
        receiver.pause();
        let three_seconds = tokio::time::sleep(Duration::from_secs(3));
        // All of these are answered before the process goes on.
        for number in 0..200 {
            let small = number.to_string();
            let reply = one.service("other").request("echo", &*small).await?;
            assert_eq!(reply.text().await?, small);
            let stats = sender.stats();
            assert!(stats.outgoing_bodies > 0, "it was stopped too late");
            assert!(stats.outgoing_bytes <= COUNT * WINDOW, "{stats:?}");
        }
        three_seconds.await;
        receiver.go_on();

        for sent in sent {
            let sent = sent.await?;
            assert_eq!((sent.completed().len(), sent.failed().len()), (1, 0));
        }
        receiver.passes().await;
        assert_eq!(server.slow_consumers(), 0);
        assert!(!events.into_iter().any(was_slow));
        Ok(())
    })
}
