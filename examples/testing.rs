//! `cargo run --example testing`
//!
//! Handlers are tested without a server: in memory, with a record of what they send, and on a virtual
//! clock, where a minute takes no time and a seed repeats a run.

use std::{error::Error, time::Duration};

use conduit::{Conduit, Encoder, ErrorKind, Failure};
use conduit_json::Json;
use conduit_layers::Record;
use conduit_memory::{Delay, FaultPlan, Faults, Memory};
use conduit_sim::Sim;
use conduit_smol::Smol;

type TestResult = Result<(), Box<dyn Error>>;

/// What is tested: a handler that tells the mail service of each order.
async fn serve_orders<E>(shop: &Conduit<E>) -> Result<(), conduit::Error>
where
    E: Encoder + conduit::Decode<String> + conduit::Encode<String> + conduit::Encode<u64>,
{
    shop.queue_bind("order").await?.serve_with(async |item: String, message| {
        if item.is_empty() {
            return Err(Failure::new("item.missing", "an order has an item").into());
        }
        message.service("mail").send("sold", &item).await?;
        Ok::<u64, Box<dyn Error + Send + Sync>>(1)
    });
    Ok(())
}

/// In memory, with what it sent.
fn an_order_is_mailed() -> TestResult {
    smol::block_on(async {
        let record = Record::new();
        let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new());
        let shop = builder.encoder(Json).layer(record.clone()).build()?;
        serve_orders(&shop).await?;

        shop.own_service().request("order", "teapot").await?;
        record.assert_handled("order", 1);
        record.assert_sent("sold", 1);
        assert_eq!(record.sent("sold")[0].service.as_str(), "mail");

        let refused = shop.own_service().request("order", "").await.expect_err("it has no item");
        assert_eq!(refused.failure().map(Failure::code), Some("item.missing"));
        record.assert_sent("sold", 1);
        Ok(())
    })
}

/// On a virtual clock, over a network that is slow and loses the answers.
fn an_order_that_is_not_answered_ends_in_time(seed: u64) -> TestResult {
    let sim = Sim::new(seed);
    sim.block_on(async {
        let broker = Memory::new();
        let conduit = |name| {
            let builder = Conduit::builder(name).runtime(sim.clone()).ids(sim.ids());
            builder.transport(broker.clone()).encoder(Json).build()
        };
        let (shop, client) = (conduit("shop")?, conduit("client")?);
        serve_orders(&shop).await?;
        let order = client.service("shop").request("order", "teapot");
        order.await?;

        let replies = |_: &_, packet: &[u8]| packet.get(1) == Some(&11);
        let slow = Faults::new().delay(Delay::Fixed(Duration::from_millis(20)));
        let plan = FaultPlan::new(sim.clone(), seed);
        broker.inject_faults(plan.on(replies, Faults::new().drop(1.0)).on_the_rest(slow));
        let started = sim.elapsed();
        let minute = Duration::from_secs(60);
        let order = client.service("shop").request("order", "teapot").timeout(minute);
        let error = order.await.expect_err("the reply is lost");
        assert!(matches!(error.kind(), ErrorKind::NoAnswer | ErrorKind::Lost), "{error}");
        assert!(sim.elapsed() - started <= minute);
        Ok(())
    })
}

fn main() -> TestResult {
    an_order_is_mailed()?;
    println!("an order is mailed");
    for seed in 0..20 {
        an_order_that_is_not_answered_ends_in_time(seed)?;
    }
    println!("20 orders that are not answered end in time");
    Ok(())
}
