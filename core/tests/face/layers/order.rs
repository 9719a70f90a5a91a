//! The order of layers, for each kind of call.

use conduit::{
    Body, Client, Conduit, Message,
    layer::{Arriving, InboundCall, InboundNext, InboundOutcome, Layer, Refusal},
};
use conduit_json::Json;
use futures_lite::{StreamExt, future};

use super::Seen;
use crate::support::world::{TestResult, World, endless, pattern, secs};

/// An asker with the layers `a1`, `a2` and that of its client, `c`, beside a worker with `w1`, `w2` and
/// that of its binding, `b`.
struct Pair {
    world: World,
    client: Client<Json>,
    worker: Conduit<Json>,
    seen: Seen,
}

/// Refuses what has the header.
struct Refusing;

impl Layer for Refusing {
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        match arriving.headers().get("accept") {
            Some("busy") => Err(Refusal::busy("later")),
            Some("refused") => Err(Refusal::refused("never")),
            _ => Ok(()),
        }
    }

    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        match call.incoming().headers().get("inbound") {
            Some("busy") => Refusal::busy("later").into(),
            Some("refused") => Refusal::refused("never").into(),
            Some("failed") => InboundOutcome::failed("not for you"),
            _ => next.run(call).await,
        }
    }
}

/// Replies as the headers of the request say.
async fn handle(message: Message<Json>) -> TestResult {
    match message.headers().get("do") {
        Some("fail") => Err("it failed".into()),
        Some("panic") => panic!("it panicked"),
        Some("wait") => future::pending().await,
        Some("stream") => Ok(message.reply_body(Body::from(pattern(100_000))).await?),
        Some("stall") => Ok(message.reply_body(endless(b"first")).await?),
        _ if !message.is_request() => {
            message.to_bytes().await?;
            Ok(())
        }
        _ => Ok(message.reply("done").await?),
    }
}

impl Pair {
    async fn new(world: World) -> TestResult<Self> {
        let seen = Seen::default();
        let asker = world.builder("asker").layer(seen.layer("a1")).layer(seen.layer("a2"));
        let client = asker.build()?.service("worker").layer(seen.layer("c"));
        let worker = world.builder("worker").layer(seen.layer("w1")).layer(seen.layer("w2"));
        let worker = worker.build()?;
        let queue = worker.queue_bind("queue").await?;
        queue.layer(seen.layer("b")).layer(Refusing).to(handle);
        let plain = worker.bind("plain").await?;
        plain.layer(seen.layer("b")).layer(Refusing).to(handle);
        Ok(Self { world, client, worker, seen })
    }

    /// Checks what both sides have seen since the last check.
    async fn check(&self, what: &str, asker: &str, worker: &str) {
        self.world.sim.idle().await;
        assert_eq!(self.seen.take("ac"), asker, "{what}: the asker");
        assert_eq!(self.seen.take("wb"), worker, "{what}: the worker");
    }
}

const HANDLED: &str = "w1? w2? b? w1>handle w2>handle b>handle b<ok w2<ok w1<ok";
const REPLIED: &str = "w1? w2? b? w1>handle w2>handle b>handle \
    b>reply w1>reply w2>reply w2<ok w1<ok b<ok w2.complete w1.complete b.complete \
    b<ok w2<ok w1<ok";

/// What the asker sees of a call that ends with its outcome.
fn through(kind: &str, outcome: &str, end: &str) -> String {
    format!(
        "a1>{kind} a2>{kind} c>{kind} c<{outcome} a2<{outcome} a1<{outcome} \
         c.{end} a2.{end} a1.{end}"
    )
}

/// What the asker sees of a call before it has an outcome.
fn begun(kind: &str) -> String {
    format!("a1>{kind} a2>{kind} c>{kind}")
}

#[test]
fn sends_pass_the_layers_of_the_conduit_and_of_the_client() -> TestResult {
    World::run(|world| async move {
        let pair = Pair::new(world).await?;
        let Pair { client, .. } = &pair;
        client.send("queue", "small").await?;
        pair.check("small", &through("send", "ok", "complete"), HANDLED).await;
        client.send_body("queue", pattern(100_000)).await?;
        pair.check("streamed", &through("send", "ok", "complete"), HANDLED).await;
        client.send("queue", "small").confirm().await?;
        pair.check("confirmed", &through("send", "ok", "complete"), HANDLED).await;
        client.send_body("plain", pattern(100_000)).expect(1).await?;
        pair.check("plain", &through("send", "ok", "complete"), HANDLED).await;

        client.send("nobody", "small").confirm().await.expect_err("it has no receiver");
        pair.check("absent", &through("send", "NoReceivers:No", "NoReceivers:No"), "").await;
        let refused = client.send_body("queue", pattern(100_000)).header("accept", "refused");
        refused.await.expect_err("it is refused");
        pair.check("refused", &through("send", "Refused:No", "Refused:No"), "w1? w2? b?").await;
        client.send("queue", "small").header("accept", "refused").await?;
        pair.check("lost", &through("send", "ok", "complete"), "w1? w2? b?").await;
        assert_eq!(pair.worker.stats().refused_messages, 1, "a refusal without a sender to tell");

        let sending = client.send_body("queue", endless(b"first")).header("do", "wait");
        future::or(async { drop(sending.await) }, pair.world.sim.idle()).await;
        let handled = "w1? w2? b? w1>handle w2>handle b>handle";
        pair.check("dropped", &format!("{} c! a2! a1!", begun("send")), handled).await;
        Ok(())
    })
}

#[test]
fn requests_pass_them_and_replies_pass_the_layers_of_the_binding_and_of_the_conduit() -> TestResult
{
    World::run(|world| async move {
        let pair = Pair::new(world).await?;
        let request = || pair.client.request("queue", "small");
        let ok = through("request", "ok", "complete");
        let reply = request().await?;
        pair.check("small", &ok, REPLIED).await;
        drop(reply);
        pair.client.request_body("queue", pattern(100_000)).await?;
        pair.check("streamed", &ok, REPLIED).await;
        pair.client.request("plain", "small").await?;
        pair.check("plain", &ok, REPLIED).await;

        // A streamed reply ends with its last byte.
        let reply = request().header("do", "stream").await?;
        let came = format!("{} c<ok a2<ok a1<ok", begun("request"));
        let replying = "w1? w2? b? w1>handle w2>handle b>handle b>reply w1>reply w2>reply";
        pair.check("its head", &came, replying).await;
        assert_eq!(reply.to_bytes().await?, pattern(100_000));
        let replied = "w2<ok w1<ok b<ok w2.complete w1.complete b.complete b<ok w2<ok w1<ok";
        pair.check("its end", "c.complete a2.complete a1.complete", replied).await;

        let reply = request().header("do", "stream").await?;
        drop(reply);
        let unread = "w2<Dropped:Maybe w1<Dropped:Maybe b<Dropped:Maybe \
            w2.Dropped:Maybe w1.Dropped:Maybe b.Dropped:Maybe b<failed w2<failed w1<failed";
        let dropped = format!("{came} c.dropped a2.dropped a1.dropped");
        pair.check("unread", &dropped, &format!("{replying} {unread}")).await;

        let reply = request().header("do", "stall").timeout(secs(1)).await?;
        assert!(reply.to_bytes().await.is_err());
        let late = format!("{came} c.Deadline:Yes a2.Deadline:Yes a1.Deadline:Yes");
        pair.world.sim.sleep(secs(1)).await;
        pair.check("late", &late, &format!("{replying} w2! w1! b! b! w2! w1!")).await;
        Ok(())
    })
}

#[test]
fn failures_and_refusals_pass_every_layer_on_their_way_back() -> TestResult {
    World::run(|world| async move {
        let pair = Pair::new(world).await?;
        let seconds = secs(1);
        // The header, what the asker sees, and what the worker sees.
        let entered = "w1? w2? b? w1>handle w2>handle b>handle";
        let back = |how: &str| format!("{entered} b<{how} w2<{how} w1<{how}");
        let table = [
            ("do", "fail", "HandlerFailed:Yes", back("failed")),
            ("do", "panic", "HandlerPanicked:Yes", back("panic")),
            ("accept", "refused", "Refused:No", "w1? w2? b?".to_owned()),
            ("inbound", "refused", "Refused:No", back("refused")),
            ("inbound", "failed", "HandlerFailed:No", back("failed")),
        ];
        for (key, value, failed, worker) in &table {
            for body in [Body::from("small"), Body::from(pattern(100_000))] {
                // Of a group that refuses a packet for both targets, the first refusal says maybe.
                let streamed = body.len() > Some(100);
                let request = pair.client.request_body("only", body).header(*key, *value);
                let only = pair.worker.queue_bind("only").await?;
                let only = only.layer(pair.seen.layer("b")).layer(Refusing).to(handle);
                let error = request.timeout(seconds).await.expect_err("it fails");
                let failed = match (streamed, error.executed()) {
                    (false, conduit::Executed::Maybe) => failed.replace(":No", ":Maybe"),
                    _ => (*failed).to_owned(),
                };
                let what = format!("{key} {value} {streamed}");
                pair.check(&what, &through("request", &failed, &failed), worker).await;
                only.unbind().await;
            }
        }
        Ok(())
    })
}

#[test]
fn a_request_to_all_passes_once_and_shows_each_reply() -> TestResult {
    World::run(|world| async move {
        let pair = Pair::new(world).await?;
        pair.worker.bind("plain").await?.to(async |message: Message<Json>| {
            let body = Body::from(pattern(100_000));
            message.reply_body(body).await
        });
        let mut replies = pair.client.request_all("plain", "small").expect(2);
        let mut streamed = None;
        while let Some(reply) = replies.next().await {
            let reply = reply?;
            if reply.take_body()?.len() > Some(100) {
                streamed = Some(reply);
            }
        }
        // Its body was taken and dropped.
        drop(streamed);
        pair.world.sim.idle().await;
        let shown = "c+reply a2+reply a1+reply";
        let end = "c.dropped a2.dropped a1.dropped";
        let all = format!("{} c<ok a2<ok a1<ok {shown} {shown} {end}", begun("all"));
        assert_eq!(pair.seen.take("ac"), all);
        pair.seen.take("wb");

        let mut replies = pair.client.request_all("plain", "small").header("do", "fail").expect(2);
        let mut bodies = Vec::new();
        while let Some(reply) = replies.next().await {
            if let Ok(reply) = reply {
                bodies.push(reply.to_bytes().await?);
            }
        }
        assert_eq!(bodies, [pattern(100_000)]);
        let failed = "HandlerFailed:Yes";
        let shown = format!("{shown} c+{failed} a2+{failed} a1+{failed}");
        let end = "c.complete a2.complete a1.complete";
        pair.world.sim.idle().await;
        let all = format!("{} c<ok a2<ok a1<ok {shown} {end}", begun("all"));
        assert_eq!(pair.seen.take("ac"), all);

        let mut replies = pair.client.request_all("nobody", "small");
        replies.next().await.expect("an error").expect_err("it has no receiver");
        let failed = "NoReceivers:No";
        let all = format!(
            "{} c<ok a2<ok a1<ok c+{failed} a2+{failed} a1+{failed} \
             c.{failed} a2.{failed} a1.{failed}",
            begun("all")
        );
        assert_eq!(pair.seen.take("ac"), all);
        Ok(())
    })
}

#[test]
fn a_call_that_is_dropped_drops_its_layers_at_both_sides() -> TestResult {
    World::run(|world| async move {
        let pair = Pair::new(world).await?;
        let entered = "w1? w2? b? w1>handle w2>handle b>handle";
        let given_up = format!("{} c! a2! a1!", begun("request"));
        let cut_off = format!("{entered} b! w2! w1!");
        for body in [Body::from("small"), endless(b"first")] {
            let what = format!("dropped, with {body:?}");
            let asking = pair.client.request_body("queue", body).header("do", "wait");
            future::or(async { drop(asking.await) }, pair.world.sim.idle()).await;
            pair.check(&what, &given_up, &cut_off).await;
        }
        let asking = pair.client.request("queue", "small").header("do", "wait");
        asking.timeout(secs(1)).await.expect_err("its deadline passes");
        pair.world.sim.sleep(secs(1)).await;
        let late = through("request", "Deadline:Maybe", "Deadline:Maybe");
        pair.check("late", &late, &cut_off).await;
        Ok(())
    })
}
