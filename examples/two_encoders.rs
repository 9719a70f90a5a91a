//! `cargo run --example two_encoders`
//!
//! One program that talks JSON to one service and Protocol Buffers to another, over one broker: a conduit
//! has one encoder, and a program may have several conduits.

use std::error::Error;

use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_protobuf::Protobuf;
use conduit_smol::Smol;

/// What the web speaks.
#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    item: String,
    count: u32,
}

/// What the warehouse speaks.
#[derive(Clone, PartialEq, prost::Message)]
struct Pick {
    #[prost(string, tag = "1")]
    item: String,
    #[prost(uint32, tag = "2")]
    count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Picked {
    #[prost(uint32, tag = "1")]
    count: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let broker = Memory::new();
        let warehouse = Conduit::new("warehouse", Smol, broker.clone(), Protobuf)?;
        warehouse
            .queue_bind("pick")
            .await?
            .serve(async |pick: Pick| Ok::<_, conduit::Error>(Picked { count: pick.count.min(2) }));

        // The same service, and two instances of it: one for each format.
        let web = Conduit::new("shop", Smol, broker.clone(), Json)?;
        let inside = Conduit::new("shop", Smol, broker.clone(), Protobuf)?;
        let picker = inside.service("warehouse");
        web.queue_bind("order").await?.serve(move |Order { item, count }: Order| {
            let picker = picker.clone();
            async move {
                let picked = picker.request("pick", &Pick { item, count }).await?;
                Ok::<u32, conduit::Error>(picked.decode::<Picked>().await?.count)
            }
        });

        let client = Conduit::new("client", Smol, broker, Json)?;
        let order = Order { item: "teapot".into(), count: 3 };
        let reply = client.service("shop").request("order", &order).await?;
        let kind = reply.content_type().unwrap_or("none").to_owned();
        println!("picked {} of 3, said in {kind}", reply.decode::<u32>().await?);

        // A receiver that cannot decode a content type does not guess.
        let error = client.service("warehouse").request("pick", &order).await.err();
        let error = error.ok_or("Protocol Buffers are not JSON")?;
        println!("JSON for the warehouse: {:?}", error.kind());
        Ok(())
    })
}
