use std::time::Duration;

use conduit::{Body, Error, ErrorKind, Message};
use conduit_json::Json;
use futures_lite::{AsyncReadExt, future};

use crate::{Result, World};

const SECOND: Duration = Duration::from_secs(1);
const LONG: usize = 100_000;

#[test]
fn requests_are_measured_at_both_sides() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let sim = world.sim.clone();
        node.queue_bind("price").await?.serve(move |item: String| {
            let sim = sim.clone();
            async move {
                sim.sleep(SECOND).await;
                if item.is_empty() { Err("nothing") } else { Ok(item.len()) }
            }
        });
        let own = node.own_service();
        own.request("price", "tea").await?;
        own.request("price", "").await.expect_err("it fails");
        own.request("price", &5).await.expect_err("it is no text");
        own.request("nobody", "x").await.expect_err("nothing is bound");
        node.close().await;

        let all = world.recorded();
        let of = |subject: &str, code: &str| {
            let labels =
                format!("rpc.system.name=conduit rpc.method=shop/{subject} rpc.status_code={code}");
            if code == "OK" { labels } else { format!("{labels} error.type={code}") }
        };
        let client = &all["rpc.client.call.duration"];
        let server = &all["rpc.server.call.duration"];
        let kinds = ["OK", "HandlerFailed", "NotDecoded"];
        let mut expected: Vec<_> = kinds.iter().map(|kind| of("price", kind)).collect();
        expected.sort();
        assert_eq!(server.keys().cloned().collect::<Vec<_>>(), expected);
        expected.push(of("nobody", "NoReceivers"));
        expected.sort();
        assert_eq!(client.keys().cloned().collect::<Vec<_>>(), expected);
        assert!(client[&of("price", "OK")][0] >= 1.0, "{client:?}");
        assert!(server[&of("price", "HandlerFailed")][0] >= 1.0, "{server:?}");
        assert!(server[&of("price", "NotDecoded")][0] < 1.0, "{server:?}");
        for side in ["conduit.client.in_flight", "conduit.server.in_flight"] {
            for (labels, values) in &all[side] {
                assert_eq!(values, &[0.0], "{side} {labels}");
            }
        }
        assert!(!all.contains_key("messaging.client.sent.messages"), "{all:?}");
        Ok(())
    })
}

#[test]
fn one_way_messages_are_counted_when_sent_and_processed() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.queue_bind("sold")
            .await?
            .to(async |message: Message<Json>| message.decode::<String>().await.map(drop));
        for item in ["tea", "milk", "sugar"] {
            node.own_service().send("sold", item).await?;
        }
        node.own_service().send("sold", &5).await?;
        let error = node.own_service().send_body("sold", failing()).await.expect_err("it fails");
        assert_eq!(error.kind(), ErrorKind::BodyFailed);
        node.close().await;

        let all = world.recorded();
        let of = |operation: &str, failed: &str| {
            format!(
                "messaging.system=conduit messaging.operation.name={operation} \
                 messaging.destination.name=shop/sold{failed}"
            )
        };
        let sent = &all["messaging.client.sent.messages"];
        assert_eq!(sent[&of("send", "")], [4.0]);
        assert_eq!(sent[&of("send", " error.type=BodyFailed")], [1.0]);
        let consumed = &all["messaging.client.consumed.messages"];
        assert_eq!(consumed[&of("process", "")], [3.0]);
        assert_eq!(consumed[&of("process", " error.type=NotDecoded")], [1.0]);
        assert_eq!(all["messaging.client.operation.duration"][&of("send", "")].len(), 4);
        assert_eq!(all["messaging.process.duration"][&of("process", "")].len(), 3);
        Ok(())
    })
}

/// A body whose source fails.
fn failing() -> Body {
    struct Failing;

    impl futures_lite::AsyncRead for Failing {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            std::task::Poll::Ready(Err(std::io::Error::other("on purpose")))
        }
    }

    Body::reader(Failing)
}

#[test]
fn a_call_is_in_flight_until_its_last_byte() -> Result {
    World::run(|world| async move {
        let node = world.node("files")?;
        node.queue_bind("load")
            .await?
            .to(async |message: Message<Json>| message.reply_body(vec![7; LONG]).await);
        let reply = node.own_service().request("load", "x").await?;
        let mut body = reply.take_body()?;
        body.read_exact(&mut [0]).await?;
        let all = world.recorded();
        let labels = "rpc.system.name=conduit rpc.method=files/load";
        assert_eq!(all["conduit.client.in_flight"][labels], [1.0]);
        assert_eq!(all["conduit.server.in_flight"][labels], [1.0]);
        assert!(!all.contains_key("rpc.client.call.duration"), "{all:?}");

        world.sim.sleep(SECOND).await;
        body.read_to_end(&mut Vec::new()).await?;
        node.close().await;
        let all = world.recorded();
        assert_eq!(all["conduit.client.in_flight"][labels], [-1.0]);
        assert_eq!(all["conduit.server.in_flight"][labels], [-1.0]);
        let took = all["rpc.client.call.duration"][&format!("{labels} rpc.status_code=OK")][0];
        assert!(took >= 1.0, "{took}");
        Ok(())
    })
}

#[test]
fn what_is_dropped_was_cancelled() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.queue_bind("stuck").await?.to(async |message: Message<Json>| {
            future::pending::<()>().await;
            drop(message);
        });
        let dropped = async {
            world.sim.sleep(SECOND).await;
            Err(Error::from(ErrorKind::Cancelled))
        };
        let asking = node.own_service().request("stuck", "x");
        future::or(asking, dropped).await.expect_err("it is stuck");
        let late = node.own_service().request("stuck", "x").timeout(SECOND).await;
        late.expect_err("it is stuck");
        world.sim.sleep(SECOND).await;
        let all = world.recorded();
        for side in ["rpc.client.call.duration", "rpc.server.call.duration"] {
            let kinds: Vec<_> =
                all[side].keys().filter_map(|key| key.split('=').next_back()).collect();
            assert_eq!(kinds, ["Cancelled", "Deadline"], "{side}");
        }
        Ok(())
    })
}

#[test]
fn the_time_before_the_handler_is_measured() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let sim = world.sim.clone();
        node.queue_bind("slow").await?.to(move |message: Message<Json>| {
            let sim = sim.clone();
            async move {
                sim.sleep(SECOND).await;
                drop(message);
            }
        });
        // The second one waits for the first.
        for _ in 0..2 {
            node.own_service().send_body("slow", "x").await?;
        }
        world.sim.sleep(3 * SECOND).await;
        let all = world.recorded();
        let waits: Vec<_> = all["conduit.server.wait.duration"].values().flatten().collect();
        assert_eq!(waits.len(), 2);
        assert!(*waits[0] < 1.0 && (0.9..1.1).contains(waits[1]), "{waits:?}");
        Ok(())
    })
}
