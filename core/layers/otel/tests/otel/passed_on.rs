//! What goes on where nothing is recorded, and around other layers.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use conduit::{
    Error, ErrorKind, Executed, Message,
    layer::{Layer, Next, OutboundCall, Outcome},
};
use conduit_json::Json;
use conduit_layers::Retry;
use conduit_otel::Otel;
use opentelemetry::trace::{SpanKind, noop::NoopTracerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use crate::{
    Result,
    support::{World, attributes},
};

#[test]
fn a_service_without_an_sdk_passes_the_trace_on() -> Result {
    World::run(|world| async move {
        let (first, last) = (world.node("first")?, world.node("last")?);
        let otel = Otel::new().provider(&NoopTracerProvider::new());
        let middle = world.builder("middle").layer(otel).build()?;
        middle.queue_bind("ask").await?.to(async |message: Message<Json>| {
            message.service("last").request("ask", &()).await?;
            message.reply(&()).await
        });
        last.queue_bind("ask").await?.serve(async |(): ()| Ok::<_, Error>(()));
        first.service("middle").request("ask", &()).await?;
        last.close().await;
        let client = world.spans.one(&SpanKind::Client, "middle/ask");
        let server = world.spans.one(&SpanKind::Server, "last/ask");
        assert_eq!(server.parent_span_id, client.span_context.span_id());
        assert_eq!(server.span_context.trace_id(), client.span_context.trace_id());
        Ok(())
    })
}

#[test]
fn what_is_not_sampled_is_recorded_nowhere() -> Result {
    World::run(|world| async move {
        let never = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        let client = world.builder("client").layer(Otel::new().provider(&never)).build()?;
        let shop = world.node("shop")?;
        shop.queue_bind("who").await?.to(async |message: Message<Json>| {
            let parent = message.headers().get("traceparent").map(str::to_owned);
            message.reply(&parent).await
        });
        let reply = client.service("shop").request("who", &()).await?;
        let parent: Option<String> = reply.decode().await?;
        assert!(parent.is_some_and(|parent| parent.ends_with("-00")), "it is said to those called");
        shop.close().await;
        assert!(world.spans.all().is_empty(), "{:#?}", world.spans.all());
        Ok(())
    })
}

/// Fails the first call.
#[derive(Default)]
struct FailsOnce(AtomicBool);

impl Layer for FailsOnce {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        if self.0.swap(true, Relaxed) {
            return next.run(call).await;
        }
        Outcome::failed(ErrorKind::Overloaded, "come again", Executed::No)
    }
}

#[test]
fn tries_have_one_span_outside_of_them_and_one_each_within() -> Result {
    for (is_outside, codes) in [(true, &["OK"][..]), (false, &["Overloaded", "OK"])] {
        World::run(|world| async move {
            let shop = world.builder("shop").build()?;
            shop.queue_bind("price").await?.serve(async |(): ()| Ok::<_, Error>(1));
            let (otel, builder) = (world.spans.otel(), world.builder("client"));
            let builder = if is_outside {
                builder.layer(otel).layer(Retry::new())
            } else {
                builder.layer(Retry::new()).layer(otel)
            };
            let client = builder.layer(FailsOnce::default()).build()?;
            client.service("shop").request("price", &()).await?;
            let all = world.spans.all();
            let found: Vec<_> =
                all.iter().map(|span| attributes(span)["rpc.status_code"].clone()).collect();
            assert_eq!(found, codes, "{all:#?}");
            Ok(())
        })?;
    }
    Ok(())
}
