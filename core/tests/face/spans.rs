//! The span that a handler runs in.

use conduit::{
    Error, Message,
    layer::{InboundCall, InboundNext, InboundOutcome, Layer},
};
use conduit_json::Json;
use conduit_testing::logged_in_thread;
use futures_lite::future;
use tracing::Instrument as _;
use tracing_subscriber::filter::LevelFilter;

use crate::support::world::{TestResult, World, secs};

/// Runs handlers in a span of its own.
struct Outer;

impl Layer for Outer {
    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        next.run(call).instrument(tracing::info_span!("outer")).await
    }
}

/// What handlers logged, line by line.
fn lines<F>(level: LevelFilter, test: impl FnOnce(World) -> F) -> TestResult<Vec<String>>
where
    F: Future<Output = TestResult>,
{
    let (result, text) = logged_in_thread(level, || World::run(test));
    result?;
    let lines = text.lines().filter(|line| line.contains("face::spans"));
    Ok(lines.map(|line| line.trim_start().to_owned()).collect())
}

#[test]
fn what_a_handler_logs_names_its_message() -> TestResult {
    let lines = lines(LevelFilter::DEBUG, |world| async move {
        let (node, asker) = (world.node("shop")?, world.node("asker")?);
        let sim = world.sim.clone();
        node.queue_bind("price").await?.concurrency(2).serve(move |item: String| {
            tracing::info!("called with {item}");
            let sim = sim.clone();
            async move {
                sim.sleep(secs(1)).await;
                tracing::info!("awake with {item}");
                Ok::<_, Error>(item.len())
            }
        });
        node.queue_bind("note").await?.to(async |_: Message<Json>| tracing::info!("noted"));
        let ask = |item: &str| asker.service("shop").request("price", item);
        let (one, other) = future::zip(ask("tea"), ask("silk")).await;
        one?;
        other?;
        asker.service("shop").send("note", "x").await?;
        world.sim.idle().await;
        tracing::info!("outside");
        let instance = asker.instance();
        tracing::info!("by {instance}");
        Ok(())
    })?;
    let instance = lines.last().and_then(|line| line.rsplit(' ').next()).ok_or("it is logged")?;
    let mut ids = Vec::new();
    for item in ["tea", "silk"] {
        let of_item = lines.iter().filter(|line| line.ends_with(item));
        let heads: Vec<_> = of_item.filter_map(|line| line.split_once("}: ")).collect();
        assert_eq!(heads.len(), 2, "{lines:#?}");
        for (head, _) in &heads {
            let start = format!(
                "INFO handler{{service=shop subject=price source=asker instance={instance} request="
            );
            let id = head.strip_prefix(&start).ok_or_else(|| format!("{head} has other fields"))?;
            assert_eq!(id.len(), 32, "{id}");
            ids.push(id);
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 2, "each request has its id, before and after it has waited");
    let noted = lines.iter().find(|line| line.ends_with("noted")).ok_or("it is logged")?;
    let start =
        format!("INFO handler{{service=shop subject=note source=asker instance={instance}}}");
    assert!(noted.starts_with(&start), "{noted}");
    let outside = lines.iter().find(|line| line.ends_with("outside")).ok_or("it is logged")?;
    assert!(outside.starts_with("INFO face::spans"), "{outside}");
    Ok(())
}

#[test]
fn it_lies_within_the_spans_of_layers_and_is_at_debug() -> TestResult {
    for (level, expected) in [
        (LevelFilter::DEBUG, "INFO outer:handler{service=shop subject=note"),
        (LevelFilter::INFO, "INFO outer: face::spans: noted"),
    ] {
        let lines = lines(level, |world| async move {
            let node = world.builder("shop").layer(Outer).build()?;
            node.queue_bind("note").await?.to(async |_: Message<Json>| tracing::info!("noted"));
            node.own_service().send("note", "x").await?;
            world.sim.idle().await;
            Ok(())
        })?;
        assert!(lines[0].starts_with(expected), "{lines:#?}");
    }
    Ok(())
}
