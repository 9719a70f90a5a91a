//! `cargo run --example errors`
//!
//! The errors of an application become failures with codes, and an error of a service further on keeps
//! its code: with enums of thiserror, and with anyhow.

use anyhow::Context as _;
use conduit::{Conduit, Error, Failure};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::Tokio;
use thiserror::Error;

#[derive(Debug, Error)]
enum StockError {
    #[error("there is no {0}")]
    Unknown(String),
    #[error("the shelf is being counted")]
    Counting,
    #[error(transparent)]
    Conduit(#[from] Error),
}

/// One place that knows which error has which code, for all handlers.
fn failure(error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    Some(match error.downcast_ref::<StockError>()? {
        unknown @ StockError::Unknown(_) => Failure::new("item.unknown", unknown.to_string()),
        StockError::Counting => Failure::new("shelf.counting", "try again").transient(),
        // A failure of a service further on has its code already.
        StockError::Conduit(_) => return None,
    })
}

async fn find(item: String) -> Result<u32, StockError> {
    match item.as_str() {
        "teapot" => Ok(3),
        "cup" => Err(StockError::Counting),
        _ => Err(StockError::Unknown(item)),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = Memory::new();
    let builder = |name| {
        let builder = Conduit::builder(name).runtime(Tokio).transport(broker.clone());
        builder.encoder(Json).map_failure(failure)
    };
    let (stock, shop) = (builder("stock").build()?, builder("shop").build()?);
    stock.queue_bind("find").await?.serve(find);
    let asked = shop.service("stock");
    // anyhow adds a context to what went wrong further on, and the code is still found.
    shop.queue_bind("order").await?.serve(move |item: String| {
        let asked = asked.clone();
        async move {
            let found = asked.request("find", &item).await;
            let found = found.with_context(|| format!("ordering a {item}"))?;
            Ok::<u32, anyhow::Error>(found.decode().await?)
        }
    });

    let client = builder("client").build()?;
    for item in ["teapot", "spoon", "cup"] {
        match client.service("shop").request("order", item).await {
            Ok(reply) => println!("{item}: {} left", reply.decode::<u32>().await?),
            Err(error) => {
                let failure = error.failure();
                let code = failure.map_or("none", Failure::code);
                let is_transient = failure.is_some_and(Failure::is_transient);
                println!("{item}: {code}, worth another try: {is_transient}");
                println!("    {error:#}");
            }
        }
    }
    Ok(())
}
