//! A receiver of a broadcast that is cut off, since its process stands still.

use conduit::ErrorKind;
use conduit_nats::Nats;
use conduit_tokio::Tokio;
use futures_lite::StreamExt;

use crate::support::{
    Outcome, Process, Server, body, builder, connected, read, run, server_url, sha256,
    tokio_multi_thread,
};

const LENGTH: u64 = 64 << 20;
const WINDOW: u64 = 256 << 10;
/// It reads so much before it is stopped.
const READ: u64 = 1 << 20;
/// What the server may have for its connection: what it has read, what one window brings, and what is
/// sent again until it is cut off.
const MOST: u64 = READ + WINDOW + (1 << 20);
const NAME: &str = "stopped";

/// Reads the first bytes, and goes on when it is told to.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn receiver() -> Outcome {
    tokio_multi_thread(async {
        let nats = Nats::connect_with(Nats::options().name(NAME), server_url()).await?;
        let receiver = builder("receiver", Tokio, nats).body_window(WINDOW).build()?;
        let (mut news, mut go_on) = (receiver.bind("news").await?, receiver.bind("go.on").await?);
        eprintln!("bound");
        let mut body = news.next().await.expect("it is bound").take_body()?;
        let mut received = 0;
        while received < READ {
            received += body.next().await.expect("there is more")?.len() as u64;
        }
        eprintln!("reading");
        go_on.next().await.expect("it is bound");
        let error = read(body, |_| {}).await.expect_err("it was cut off");
        assert!(is_cut_off(error.kind()), "{error:?}");
        Ok(())
    })
}

#[test]
fn a_process_that_was_cut_off_gets_nothing_more() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let stopped = Process::start("cut_off::receiver", &server.url());
        stopped.says("bound").await;
        let mut readings = Vec::new();
        for _ in 0..2 {
            let receiver = connected("receiver", &Tokio, &server).await?.build()?;
            let mut news = receiver.bind("news").await?;
            readings.push(run(&Tokio, async move {
                let body = news.next().await.expect("it is bound").take_body()?;
                let whole = read(body, |_| {}).await;
                // The sender is still to be told.
                receiver.close().await;
                whole
            }));
        }
        let sender = connected("sender", &Tokio, &server).await?.body_window(WINDOW).build()?;
        let service = sender.service("receiver");
        let sending = run(&Tokio, service.send_body("news", body(LENGTH)).expect(3));
        stopped.says("reading").await;
        stopped.pause();

        let sent = sending.await?;
        let [failed] = sent.failed() else { panic!("{sent:?}") };
        assert!(is_cut_off(failed.error.kind()), "{sent:?}");
        assert_eq!(sent.completed().len(), 2);
        for reading in readings {
            assert_eq!(reading.await?, sha256(LENGTH));
        }
        let sent_there = bytes_for(&server, NAME);
        assert!(sent_there.is_some_and(|bytes| bytes <= MOST), "{sent_there:?}");
        assert_eq!(server.slow_consumers(), 0);

        stopped.go_on();
        service.send_body("go.on", ()).await?;
        stopped.passes().await;
        Ok(())
    })
}

fn is_cut_off(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Lost | ErrorKind::Lagged)
}

/// How many bytes the server has routed to a connection, if that is still there.
fn bytes_for(server: &Server, name: &str) -> Option<u64> {
    let connections = server.monitored("/connz");
    let connections = connections["connections"].as_array().expect("it lists connections");
    connections.iter().find(|one| one["name"] == name)?["out_bytes"].as_u64()
}
