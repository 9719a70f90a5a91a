//! How spans belong together.

use conduit::{Error, Message};
use conduit_json::Json;
use conduit_otel::Otel;
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider},
};

use crate::{Result, support::World};

#[test]
fn a_call_is_a_child_of_the_current_span() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let tracer = world.spans.provider.tracer("test");
        let root = Context::new().with_span(tracer.start("root"));
        node.own_service().send("note", "x").with_context(root.clone()).await?;
        let note = world.spans.one(&SpanKind::Producer, "send shop/note");
        assert_eq!(note.parent_span_id, root.span().span_context().span_id());
        Ok(())
    })
}

#[test]
fn what_a_handler_spawns_is_joined_through_its_message() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let sim = world.sim.clone();
        node.queue_bind("order").await?.to(move |message: Message<Json>| {
            let sim = sim.clone();
            async move {
                let here = Context::current().span().span_context().clone();
                let given = Otel::context(message.extensions()).expect("it is in a handler");
                assert_eq!(given.span().span_context(), &here);
                let mail = message.service("mail");
                sim.process().run(async move { mail.send("sold", "x").await }).await;
                message.reply("done").await
            }
        });
        node.own_service().request("order", "tea").await?;
        node.close().await;
        let server = world.spans.one(&SpanKind::Server, "shop/order");
        let sold = world.spans.one(&SpanKind::Producer, "send mail/sold");
        assert_eq!(sold.parent_span_id, server.span_context.span_id());
        Ok(())
    })
}

#[test]
fn a_loop_finds_the_parent_in_the_headers() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let mut binding = node.queue_bind("order").await?;
        node.own_service().send("order", "tea").await?;
        let message = binding.next().await.ok_or("it is bound")?;
        let parent = world.spans.otel().parent(message.headers());
        let send = world.spans.one(&SpanKind::Producer, "send shop/order");
        assert_eq!(parent.span().span_context().span_id(), send.span_context.span_id());
        Ok(())
    })
}

#[test]
fn baggage_goes_out_when_asked_to() -> Result {
    World::run(|world| async move {
        let quiet = world.node("quiet")?;
        let otel = world.spans.otel().propagator(conduit_otel::W3c::new().with_baggage());
        let open = world.builder("open").layer(otel).build()?;
        let shop = world.node("shop")?;
        shop.queue_bind("who").await?.serve(async |(): ()| {
            Ok::<_, Error>(Context::current().baggage().get("user").map(ToString::to_string))
        });
        let cx = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
        for (node, user) in [(&quiet, None), (&open, Some("Ada".to_owned()))] {
            let reply = node.service("shop").request("who", &()).with_context(cx.clone()).await?;
            assert_eq!(reply.decode::<Option<String>>().await?, user);
        }
        Ok(())
    })
}
