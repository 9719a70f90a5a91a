//! The production example as its orchestrator sees it: a process with an environment, that is asked for
//! its health, loses its server, and is asked to end while it works.

mod support;

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use conduit::Conduit;
use conduit_json::Json;
use conduit_nats::Nats;
use conduit_tokio::Tokio;
use serde::Serialize;
use support::{Program, Server, http::get, program};
use tokio::task::{JoinSet, yield_now};

type Failed = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), Failed>;

const NAMESPACE: &str = "test";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ASKERS: usize = 16;

#[derive(Clone, Serialize)]
struct Order {
    item: &'static str,
    count: u32,
}

const ORDER: Order = Order { item: "teapot", count: 1 };

/// An instance that is ready, and where its health is.
async fn started(server: &Server) -> Result<(Program, String), Failed> {
    let mut command = program("production")?;
    command
        .env("NATS_URL", server.url())
        .env("NAMESPACE", NAMESPACE)
        .env("HEALTH_ADDRESS", "127.0.0.1:0")
        .env("LIMITS", r#"{ "max_waiting_messages": 2048, "send_timeout": "30s" }"#);
    let mut shop = Program::start(command)?;
    let health = shop.says("health at ").await?;
    shop.says("ready").await?;
    Ok((shop, health))
}

async fn asker(server: &Server) -> Result<Conduit<Json>, Failed> {
    let nats = Nats::connect(server.url()).await?.in_namespace(NAMESPACE.parse()?);
    Ok(Conduit::new("asker", Tokio, nats, Json)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_fails_while_an_instance_ends() -> Outcome {
    let server = Server::start();
    let ((first, _), (mut second, health)) = (started(&server).await?, started(&server).await?);
    let asker = asker(&server).await?;
    let (ends, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut askers = JoinSet::new();
    for _ in 0..ASKERS {
        let (shop, ends, answered) =
            (asker.service("shop"), Arc::clone(&ends), Arc::clone(&answered));
        askers.spawn(async move {
            while !ends.load(SeqCst) {
                shop.request("order", &ORDER).await?.decode::<u32>().await?;
                answered.fetch_add(1, SeqCst);
            }
            Ok::<_, conduit::Error>(())
        });
    }
    let more = async || {
        let until = answered.load(SeqCst) + 100;
        while answered.load(SeqCst) < until {
            yield_now().await;
        }
    };
    more().await;
    first.signal("TERM");
    let (status, printed) = first.ends().await?;
    assert!(status.success(), "{printed}");
    assert!(printed.contains(" 0 cut off; "), "{printed}");
    more().await;
    ends.store(true, SeqCst);
    while let Some(asked) = askers.join_next().await {
        asked??;
    }
    let (_, stats) = get(&health, "/stats").await?;
    assert!(stats.contains("\"stock.take\"") && stats.contains("open_requests: 0"), "{stats}");
    second.signal("INT");
    second.says("drained: ").await?;
    assert!(second.ends().await?.0.success());
    Ok(())
}

#[tokio::test]
async fn a_trace_of_an_asker_goes_on() -> Outcome {
    let server = Server::start();
    let (shop, _) = started(&server).await?;
    let request = asker(&server).await?.service("shop").request("order", &ORDER);
    request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")).await?;
    shop.signal("TERM");
    let (_, printed) = shop.ends().await?;
    // The order, its call of the stock, and the stock's part of it.
    assert_eq!(printed.matches(TRACE).count(), 3, "{printed}");
    let has = |name: &str| printed.matches(&format!("Name         : {name}\n")).count();
    assert_eq!((has("shop/order"), has("shop/stock.take")), (1, 2), "{printed}");
    Ok(())
}

#[tokio::test]
async fn its_health_follows_the_connection() -> Outcome {
    let mut server = Server::start();
    let (mut shop, health) = started(&server).await?;
    assert_eq!(get(&health, "/live").await?, (200, "Running\n".to_owned()));
    assert_eq!(get(&health, "/ready").await?, (200, "ready\n".to_owned()));
    server.stop();
    shop.says("connection: Disconnected").await?;
    let (status, why) = get(&health, "/ready").await?;
    assert_eq!(status, 503);
    assert!(why.starts_with("there is no connection to the broker"), "{why}");
    assert_eq!(get(&health, "/live").await?.0, 200, "it is not to be killed for that");
    server.start_again();
    shop.says("connection: Connected").await?;
    while get(&health, "/ready").await?.0 != 200 {}
    Ok(())
}

#[test]
fn settings_that_are_wrong_are_named() -> Outcome {
    for (name, text, complaint) in [
        ("LIMITS", r#"{ "request_timeuot": "5s" }"#, "LIMITS: unknown field `request_timeuot`"),
        ("LIMITS", r#"{ "body_window": 1 }"#, "the limit is not valid: "),
        ("DRAIN_SECONDS", "soon", "DRAIN_SECONDS: invalid digit"),
        ("NAMESPACE", "a.b", "NAMESPACE: "),
        ("NATS_URL", "nats://127.0.0.1:1", "NATS_URL: no NATS server could be reached: "),
    ] {
        let output = program("production")?.env(name, text).output()?;
        let complained = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{name}: {complained}");
        assert!(complained.starts_with(&format!("shop: {complaint}")), "{name}: {complained}");
        assert_eq!(complained.lines().count(), 1, "a sentence: {complained}");
    }
    Ok(())
}
