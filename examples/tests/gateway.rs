//! The gateway example, with real HTTP requests.

mod support;

use std::{error::Error, future, time::Duration};

use conduit::{
    Body, Conduit, ErrorKind, Failure,
    layer::{Arriving, Layer, Refusal},
};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::Tokio;
use futures_lite::AsyncWriteExt;
use support::{
    Program,
    http::{get, open, put},
    program,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::yield_now};

#[path = "../gateway.rs"]
#[expect(dead_code, reason = "the example's main is run as a program")]
mod example;

type Failed = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), Failed>;

/// A gateway, the broker that it uses, and a service behind it that has no bindings yet.
struct World {
    broker: Memory,
    files: Conduit<Json>,
    gateway: Conduit<Json>,
}

impl World {
    fn new() -> Result<Self, Failed> {
        let broker = Memory::new();
        let builder = |name| {
            let builder = Conduit::builder(name).runtime(Tokio).transport(broker.clone());
            builder.encoder(Json).send_timeout(Duration::from_millis(300)).max_decode_size(64)
        };
        let (files, gateway) = (builder("files").build()?, builder("gateway").build()?);
        Ok(Self { broker, files, gateway })
    }

    /// With the service of the example.
    async fn with_files() -> Result<(Self, TempDir), Failed> {
        let (world, folder) = (Self::new()?, tempfile::tempdir()?);
        example::serve_files(&world.files, folder.path().to_owned()).await?;
        Ok((world, folder))
    }

    /// Serves HTTP, and returns the address.
    async fn listen(&self, timeout: Duration) -> Result<String, Failed> {
        let files = self.gateway.service("files").timeout(timeout);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, example::router(files)).await });
        Ok(address)
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// No two pieces are alike.
fn content(length: u32) -> Vec<u8> {
    (0..length).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_any_size_go_up_and_come_down() -> Outcome {
    let (world, _folder) = World::with_files().await?;
    let address = world.listen(MINUTE).await?;
    for length in [0, 1, 100_000, 32 << 20] {
        let sent = content(length);
        let path = format!("/files/of-{length}");
        assert_eq!(put(&address, &path, &sent).await?, (201, format!("{length} bytes\n")));
        let answer = open(&address, "GET", &path, "", b"").await?.answered().await?;
        assert_eq!((answer.status, answer.length), (200, Some(length.into())));
        assert!(answer.body().await? == sent, "{length}");
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_need_not_know_its_length() -> Outcome {
    let (world, _folder) = World::with_files().await?;
    let address = world.listen(MINUTE).await?;
    let (chunked, chunks) =
        ("Transfer-Encoding: chunked\r\n", b"5\r\nfirst\r\n7\r\n second\r\n0\r\n\r\n");
    let answer = open(&address, "PUT", "/files/two", chunked, chunks).await?.answered().await?;
    assert_eq!(answer.status, 201);
    assert_eq!(get(&address, "/files/two").await?, (200, "first second".to_owned()));
    Ok(())
}

/// Refuses what comes by a subject.
struct Gate;

impl Layer for Gate {
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        match arriving.headers().get("name") {
            Some("refused") => Err(Refusal::refused("not yours")),
            Some("busy") => Err(Refusal::busy("later")),
            _ => Ok(()),
        }
    }
}

/// A service that fails as it is asked to.
async fn serve_failures(files: &Conduit<Json>) -> Outcome {
    files.queue_bind("get").await?.concurrency(16).to(async |message| {
        let name: String = message.decode().await?;
        match name.as_str() {
            "unknown" => Err(Failure::new("file.unknown", "there is none").into()),
            "invalid" => Err(Failure::new("name.invalid", "no such names").into()),
            "transient" => Err(Failure::new("disk.busy", "try again").transient().into()),
            "undecodable" => message.decode::<u64>().await.map(drop).map_err(Failed::from),
            "failing" => Err("the disk is on fire".into()),
            "panicking" => panic!("it is on fire"),
            "slow" => future::pending().await,
            _ => Ok::<_, Failed>(()),
        }
    });
    files.queue_bind("put").await?.layer(Gate).to(async |message| {
        let length = message.take_body()?.len().unwrap_or_default();
        message.reply(&length).await
    });
    Ok(())
}

#[tokio::test]
async fn each_failure_has_its_status() -> Outcome {
    let world = World::new()?;
    serve_failures(&world.files).await?;
    let address = world.listen(Duration::from_millis(500)).await?;
    for (name, status, text) in [
        ("unknown", 404, "there is none"),
        ("invalid", 400, "no such names"),
        ("transient", 503, "try again"),
        ("undecodable", 400, "the handler could not decode the message"),
        (&*"x".repeat(100), 413, "the body is too large"),
        ("failing", 502, "the handler failed"),
        ("panicking", 502, "the handler panicked"),
        ("silent", 502, "the handler ended without a reply"),
        ("slow", 504, "the deadline passed"),
    ] {
        let answer = get(&address, &format!("/files/{name}")).await?;
        assert_eq!(answer, (status, format!("{text}\n")), "{name}");
    }
    for (name, status, text) in [
        ("refused", 403, "the receiver refused it"),
        ("busy", 503, "the receiver has no room for it now"),
    ] {
        let answer = put(&address, &format!("/files/{name}"), b"text").await?;
        assert_eq!(answer, (status, format!("{text}\n")), "{name}");
    }

    let any = "/files/any";
    let expect = async |text: &str| {
        assert_eq!(get(&address, any).await?, (503, format!("{text}\n")));
        Ok::<_, Failed>(())
    };
    world.files.close().await;
    expect("no receiver is subscribed").await?;
    world.broker.stop_broker();
    expect("there is no connection to the broker").await?;
    world.gateway.close().await;
    expect("the conduit is closed").await
}

/// What takes more than a test to bring about.
#[test]
fn the_table_has_the_other_kinds() {
    for (kind, status) in [
        (ErrorKind::InvalidHeader, 400),
        (ErrorKind::BodyFailed, 400),
        (ErrorKind::Draining, 503),
        (ErrorKind::NoAnswer, 504),
        (ErrorKind::Lost, 504),
        (ErrorKind::Unsupported, 502),
        (ErrorKind::Denied, 502),
        (ErrorKind::Corrupt, 502),
    ] {
        assert_eq!(example::status(&kind.into()).as_u16(), status, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_cancels_its_request() -> Outcome {
    let world = World::new()?;
    let (begin, begun) = async_channel::unbounded();
    let (end, ended) = async_channel::unbounded::<()>();
    world.files.queue_bind("get").await?.to(move |_| {
        // Dropped with the handler.
        let (begin, end) = (begin.clone(), end.clone());
        async move {
            begin.send(()).await?;
            let _held = end;
            future::pending::<Outcome>().await
        }
    });
    let address = world.listen(MINUTE).await?;
    let client = open(&address, "GET", "/files/any", "", b"").await?;
    begun.recv().await?;
    assert_eq!(ended.sender_count(), 2);
    drop(client);
    while ended.sender_count() == 2 {
        yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_that_breaks_off_changes_nothing() -> Outcome {
    let (world, folder) = World::with_files().await?;
    let address = world.listen(MINUTE).await?;
    put(&address, "/files/kept", b"whole").await?;
    let half = content(500_000);
    let client = open(&address, "PUT", "/files/kept", "Content-Length: 1000000\r\n", &half).await?;
    while world.files.stats().incoming_bodies == 0 {
        yield_now().await;
    }
    drop(client);
    while world.files.stats().open_requests > 0 {
        yield_now().await;
    }
    assert_eq!(get(&address, "/files/kept").await?, (200, "whole".to_owned()));
    while folder.path().read_dir()?.count() > 1 {
        yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_download_that_fails_is_cut() -> Outcome {
    let world = World::new()?;
    world.files.queue_bind("get").await?.to(async |message| {
        let (mut writer, body) = Body::writer();
        let write = async move {
            writer.write_all(&content(100_000)).await?;
            // Dropped before it is finished.
            Ok::<_, Failed>(())
        };
        let (written, replied) = futures_lite::future::zip(write, message.reply_body(body)).await;
        written?;
        replied.map_err(Failed::from)
    });
    let address = world.listen(MINUTE).await?;
    let answer = open(&address, "GET", "/files/any", "", b"").await?.answered().await?;
    assert_eq!((answer.status, answer.length), (200, None));
    answer.body().await.expect_err("it is not whole");
    Ok(())
}

#[tokio::test]
async fn it_ends_when_it_is_asked_to() -> Outcome {
    let mut command = program("gateway")?;
    command.env("ADDRESS", "127.0.0.1:0");
    let mut gateway = Program::start(command)?;
    let address = gateway.says("listening at http://").await?;
    assert_eq!(put(&address, "/files/one", b"text").await?, (201, "4 bytes\n".to_owned()));
    assert_eq!(get(&address, "/files/one").await?, (200, "text".to_owned()));
    assert_eq!(get(&address, "/files/two").await?.0, 404);
    assert_eq!(get(&address, "/files/..%2Fone").await?.0, 400);
    gateway.signal("TERM");
    assert!(gateway.ends().await?.0.success());
    Ok(())
}
