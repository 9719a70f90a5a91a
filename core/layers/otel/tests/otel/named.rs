//! How many names there are.

use std::collections::BTreeSet;

use conduit::{Contract, Error};
use conduit_otel::Names;
use opentelemetry::trace::SpanKind;

use crate::{
    Result,
    support::{World, attributes},
};

const PRICE: Contract<String, usize> = Contract::request("price");

#[test]
fn at_the_client_the_first_subjects_have_names() -> Result {
    World::run(|world| async move {
        let node = world.node("client")?;
        let service = node.service("nobody");
        for number in 0..10_000 {
            service.send(&*format!("user.{number}"), "x").await?;
        }
        let all = world.spans.all();
        assert_eq!(all.len(), 10_000);
        let names: BTreeSet<_> = all.iter().map(|span| &*span.name).collect();
        assert_eq!(names.len(), 101);
        let last = attributes(&all[9_999]);
        assert_eq!(all[9_999].name, "send _OTHER");
        assert_eq!(last["messaging.destination.name"], Names::OTHER);
        assert_eq!(last["rpc.method_original"], "nobody/user.9999");
        assert_eq!(all[99].name, "send nobody/user.99");
        Ok(())
    })
}

#[test]
fn a_list_has_names_and_nothing_else_has() -> Result {
    World::run(|world| async move {
        let otel = world.spans.otel().subjects(["order"]);
        let client = world.builder("client").layer(otel).build()?;
        let shop = world.node("shop")?;
        for subject in ["price", "order", "other"] {
            shop.queue_bind(subject).await?.serve(async |item: String| Ok::<_, Error>(item.len()));
        }
        let service = client.service("shop");
        // By a contract, which needs no list.
        service.call(&PRICE, &"tea".to_owned()).await?;
        service.request("order", "tea").await?;
        service.request("other", "tea").await?;
        shop.close().await;
        world.spans.one(&SpanKind::Client, "shop/price");
        world.spans.one(&SpanKind::Client, "shop/order");
        let other = world.spans.one(&SpanKind::Client, Names::OTHER);
        let other = attributes(&other);
        assert_eq!(
            (&*other["rpc.method"], &*other["rpc.method_original"]),
            ("_OTHER", "shop/other")
        );
        // At the server, what is bound has a name.
        world.spans.one(&SpanKind::Server, "shop/other");
        Ok(())
    })
}
