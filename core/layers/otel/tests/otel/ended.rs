//! When spans end.

use std::time::Duration;

use conduit::{Body, Error, Message};
use conduit_json::Json;
use futures_lite::{AsyncReadExt, StreamExt, io::Cursor};
use opentelemetry::trace::SpanKind;

use crate::{
    Result,
    support::{World, attributes, duration},
};

const SECOND: Duration = Duration::from_secs(1);
const LONG: usize = 100_000;

#[test]
fn the_span_of_a_request_ends_with_the_last_byte_of_the_reply() -> Result {
    World::run(|world| async move {
        let node = world.node("files")?;
        node.queue_bind("load")
            .await?
            .to(async |message: Message<Json>| message.reply_body(vec![7; LONG]).await);
        let client = world.node("client")?;
        let reply = client.service("files").request("load", "x").await?;
        let mut body = reply.take_body()?;
        let mut byte = [0];
        body.read_exact(&mut byte).await?;
        world.sim.sleep(SECOND).await;
        assert!(world.spans.all().is_empty(), "neither has ended: {:#?}", world.spans.all());
        let mut rest = Vec::new();
        body.read_to_end(&mut rest).await?;
        node.close().await;

        let client = world.spans.one(&SpanKind::Client, "files/load");
        let server = world.spans.one(&SpanKind::Server, "files/load");
        assert_eq!(attributes(&client)["rpc.status_code"], "OK");
        assert_eq!(attributes(&server)["rpc.status_code"], "OK");
        assert!(duration(&client) >= SECOND, "{:?}", duration(&client));
        Ok(())
    })
}

#[test]
fn the_span_of_a_send_ends_when_its_body_was_sent() -> Result {
    World::run(|world| async move {
        let node = world.node("files")?;
        let sim = world.sim.clone();
        node.queue_bind("save").await?.to(move |message: Message<Json>| {
            let sim = sim.clone();
            async move {
                sim.sleep(SECOND).await;
                message.to_bytes().await.map(drop)
            }
        });
        let body = Body::reader(Cursor::new(vec![7; LONG]));
        node.own_service().send_body("save", body).await?;
        node.close().await;
        let producer = world.spans.one(&SpanKind::Producer, "send files/save");
        let consumer = world.spans.one(&SpanKind::Consumer, "process files/save");
        assert!(duration(&producer) >= SECOND, "{:?}", duration(&producer));
        assert!(duration(&consumer) >= SECOND, "{:?}", duration(&consumer));
        Ok(())
    })
}

#[test]
fn what_is_dropped_was_cancelled() -> Result {
    World::run(|world| async move {
        let node = world.node("files")?;
        node.queue_bind("load")
            .await?
            .to(async |message: Message<Json>| message.reply_body(vec![7; LONG]).await);
        node.queue_bind("stuck").await?.to(async |message: Message<Json>| {
            std::future::pending::<()>().await;
            drop(message);
        });
        // The reply is dropped before its end.
        drop(node.own_service().request("load", "x").await?);
        world.sim.sleep(SECOND).await;
        let client = world.spans.one(&SpanKind::Client, "files/load");
        assert_eq!(attributes(&client)["error.type"], "Cancelled");

        // The call is dropped before it has a reply, and so is the handler.
        let asking = node.own_service().request("stuck", "x");
        let dropped = async {
            world.sim.sleep(SECOND).await;
            Err(Error::from(conduit::ErrorKind::Cancelled))
        };
        futures_lite::future::or(asking, dropped).await.expect_err("it is stuck");
        world.sim.sleep(SECOND).await;
        for kind in [SpanKind::Client, SpanKind::Server] {
            let span = world.spans.one(&kind, "files/stuck");
            let attributes = attributes(&span);
            assert_eq!(attributes["error.type"], "Cancelled", "{kind:?}");
            assert_eq!(attributes["rpc.status_code"], "Cancelled", "{kind:?}");
        }
        Ok(())
    })
}

#[test]
fn the_span_of_a_request_to_all_ends_with_the_last_reply() -> Result {
    World::run(|world| async move {
        let nodes = [world.node("poll")?, world.node("poll")?];
        for node in &nodes {
            node.bind("vote").await?.serve(async |(): ()| Ok::<_, Error>(1));
        }
        let mut replies = nodes[0].own_service().request_all("vote", &());
        let mut votes = 0;
        while let Some(reply) = replies.next().await {
            votes += reply?.decode::<u32>().await?;
        }
        drop(replies);
        assert_eq!(votes, 2);
        world.sim.sleep(SECOND).await;
        let client = world.spans.one(&SpanKind::Client, "poll/vote");
        assert_eq!(attributes(&client)["rpc.status_code"], "OK");
        let mut servers = world.spans.all();
        servers.retain(|span| span.span_kind == SpanKind::Server);
        assert_eq!(servers.len(), 2);
        for server in servers {
            assert_eq!(server.parent_span_id, client.span_context.span_id());
        }
        Ok(())
    })
}
