//! Names, kinds, attributes and status, against tables.

use std::{collections::BTreeMap, time::Duration};

use conduit::{Failure, Message, layer::Refusal};
use conduit_json::Json;
use opentelemetry::trace::{SpanId, SpanKind, Status};

use crate::{
    Result,
    support::{World, attributes},
};

fn table<'a>(all: &[(&'a str, &str)]) -> BTreeMap<&'a str, String> {
    all.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

#[test]
fn a_request_is_client_and_server() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.queue_bind("price").await?.serve(async |item: String| Ok::<_, Failure>(item.len()));
        world
            .builder("client")
            .layer(world.spans.otel())
            .build()?
            .service("shop")
            .request("price", "tea")
            .await?;
        node.close().await;

        assert_eq!(world.spans.all().len(), 2, "{:#?}", world.spans.all());
        let client = world.spans.one(&SpanKind::Client, "shop/price");
        let server = world.spans.one(&SpanKind::Server, "shop/price");
        let expected = table(&[
            ("rpc.system.name", "conduit"),
            ("rpc.method", "shop/price"),
            ("rpc.status_code", "OK"),
        ]);
        assert_eq!((attributes(&client), attributes(&server)), (expected.clone(), expected));
        assert_eq!((&client.status, &server.status), (&Status::Unset, &Status::Unset));
        assert_eq!(client.parent_span_id, SpanId::INVALID);
        assert_eq!(server.parent_span_id, client.span_context.span_id());
        assert!(server.parent_span_is_remote);
        assert!(server.links.is_empty());
        assert_eq!(client.instrumentation_scope.name(), "conduit-otel");
        Ok(())
    })
}

#[test]
fn one_way_is_producer_and_consumer_with_a_link() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.bind("sold").await?.to(async |message: Message<Json>| drop(message));
        node.own_service().send("sold", "tea").await?;
        node.close().await;

        assert_eq!(world.spans.all().len(), 2, "{:#?}", world.spans.all());
        let producer = world.spans.one(&SpanKind::Producer, "send shop/sold");
        let consumer = world.spans.one(&SpanKind::Consumer, "process shop/sold");
        let expected = |operation| {
            table(&[
                ("messaging.system", "conduit"),
                ("messaging.operation.name", operation),
                ("messaging.operation.type", operation),
                ("messaging.destination.name", "shop/sold"),
            ])
        };
        assert_eq!(attributes(&producer), expected("send"));
        assert_eq!(attributes(&consumer), expected("process"));
        assert_eq!(consumer.parent_span_id, producer.span_context.span_id());
        let links: Vec<_> = consumer.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(links, [producer.span_context.span_id()]);
        Ok(())
    })
}

#[test]
fn failures_have_types_and_status() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        node.queue_bind("order").await?.serve(async |what: String| match &*what {
            "panic" => panic!("on purpose"),
            "code" => Err(Failure::new("no.stock", "sold out")),
            "slow" => std::future::pending::<Result<(), Failure>>().await,
            _ => Err(Failure::new("", "it failed")),
        });
        let refusing = crate::support::Refusing(Refusal::refused("not today"));
        let binding = node.queue_bind("refused").await?.layer(refusing);
        binding.serve(async |_: String| Ok::<_, Failure>(()));
        let own = node.own_service();
        let second = Duration::from_secs(1);

        // What is asked; the type at the client, what it knows of the handler, the type at the server,
        // and the application's code.
        let cases = [
            ("order", "fail", "HandlerFailed", "yes", Some("HandlerFailed"), None),
            ("order", "code", "HandlerFailed", "yes", Some("HandlerFailed"), Some("no.stock")),
            ("order", "panic", "HandlerPanicked", "yes", Some("HandlerPanicked"), None),
            ("order", "slow", "Deadline", "maybe", Some("Deadline"), None),
            // The first packet of a request may have reached a plain binding too.
            ("refused", "it", "Refused", "maybe", Some("Refused"), None),
            ("nobody", "it", "NoReceivers", "no", None, None),
        ];
        for (subject, what, client_type, executed, server_type, code) in cases {
            world.spans.clear();
            own.request(subject, what).timeout(second).await.expect_err("it fails");
            world.sim.sleep(second).await;
            let name = format!("shop/{subject}");
            let client = world.spans.one(&SpanKind::Client, &name);
            let mut expected = table(&[
                ("rpc.system.name", "conduit"),
                ("rpc.method", &name),
                ("rpc.status_code", client_type),
                ("error.type", client_type),
                ("conduit.executed", executed),
            ]);
            expected.extend(code.map(|code: &str| ("conduit.failure.code", code.to_owned())));
            assert_eq!(attributes(&client), expected, "{subject} {what}");
            assert!(matches!(client.status, Status::Error { .. }), "{:?}", client.status);

            let Some(server_type) = server_type else {
                assert_eq!(world.spans.all().len(), 1);
                continue;
            };
            let server = world.spans.one(&SpanKind::Server, &name);
            expected.remove("conduit.executed");
            expected.insert("rpc.status_code", server_type.to_owned());
            expected.insert("error.type", server_type.to_owned());
            assert_eq!(attributes(&server), expected, "{subject} {what}");
            assert!(matches!(server.status, Status::Error { .. }), "{:?}", server.status);
        }

        // What cannot be decoded.
        world.spans.clear();
        own.request("order", &5).await.expect_err("it is no text");
        for kind in [SpanKind::Client, SpanKind::Server] {
            let span = world.spans.one(&kind, "shop/order");
            assert_eq!(attributes(&span)["error.type"], "NotDecoded", "{kind:?}");
        }
        Ok(())
    })
}
