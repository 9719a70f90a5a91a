//! `cargo run --example service`
//!
//! A service with types: functions from a value to a value, with state, some at the same time. Its
//! failures have codes, all of its instances can be asked at once, and one leaves without losing
//! work.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conduit::{Conduit, Failure};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::Tokio;
use futures_lite::StreamExt;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    item: String,
    count: u32,
}

type Stock = Arc<Mutex<BTreeMap<String, u32>>>;

fn take(stock: &Stock, Order { item, count }: &Order) -> Result<u32, Failure> {
    let mut stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(left) = stock.get_mut(item) else {
        return Err(Failure::new("item.unknown", format!("nobody has heard of {item}")));
    };
    *left = left
        .checked_sub(*count)
        .ok_or_else(|| Failure::new("item.scarce", format!("there are {left} of {item}")))?;
    Ok(*left)
}

async fn shop(broker: &Memory, teapots: u32) -> Result<Conduit<Json>, conduit::Error> {
    let shop = Conduit::new("shop", Tokio, broker.clone(), Json)?;
    let stock: Stock = Arc::new(Mutex::new(BTreeMap::from([("teapot".to_owned(), teapots)])));
    let counted = Arc::clone(&stock);
    shop.queue_bind("order").await?.concurrency(8).serve(move |order: Order| {
        let stock = Arc::clone(&stock);
        async move { take(&stock, &order) }
    });
    shop.bind("count").await?.serve_with(move |item: String, message| {
        let stock = counted.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{} counts its {item}s", message.source().service);
        let count = stock.get(&item).copied().unwrap_or_default();
        async move { Ok::<_, Failure>(count) }
    });
    Ok(shop)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = Memory::new();
    let shops = [shop(&broker, 3).await?, shop(&broker, 3).await?];
    let client = Conduit::new("client", Tokio, broker, Json)?;
    let service = client.service("shop");

    for (item, count) in [("teapot", 1), ("teapot", 4), ("spoon", 1)] {
        let order = Order { item: item.to_owned(), count };
        match service.request("order", &order).await {
            Ok(reply) => println!("ordered {count}, {} are left", reply.decode::<u32>().await?),
            Err(error) => {
                let code = error.failure().map_or("none", Failure::code);
                println!("{error}; its code is {code}, try again: {}", error.is_retryable());
            }
        }
    }

    let mut counts = service.request_all("count", "teapot").expect(shops.len());
    let mut all = 0;
    while let Some(count) = counts.next().await {
        all += count?.decode::<u32>().await?;
    }
    println!("all shops together have {all}");

    // What it has begun it ends; everything else goes to the other one.
    let drained = shops[0].drain(Duration::from_secs(10)).await;
    println!("drained: {} finished, {} cut off", drained.finished, drained.aborted);
    let order = Order { item: "teapot".to_owned(), count: 1 };
    service.send("order", &order).confirm().await?;
    println!("the other shop has the last order");
    Ok(())
}
