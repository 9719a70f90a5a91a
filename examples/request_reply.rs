//! `cargo run --example request_reply`
//!
//! A request waits for its reply, for as long as it is told to. Every failure has a kind of its own,
//! and says whether the handler was executed.

use std::{error::Error, future, time::Duration};

use conduit::{Conduit, ErrorKind};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::Tokio;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Division {
    dividend: i64,
    divisor: i64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = Memory::new();
    let client = Conduit::new("client", Tokio, broker.clone(), Json)?;
    let server = Conduit::new("calculator", Tokio, broker, Json)?;

    server.queue_bind("divide").await?.to(|message| async move {
        let Division { dividend, divisor } = message.decode().await?;
        // An error of a handler is its answer.
        let quotient = dividend.checked_div(divisor).ok_or("no quotient")?;
        message.reply(&quotient).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    server.queue_bind("ponder").await?.to(|message| async move {
        match message.time_left() {
            Some(left) => println!("the server has at most {left:.0?}"),
            None => println!("the server has all the time it wants"),
        }
        future::pending::<()>().await;
    });

    let calculator = client.service("calculator");
    let divide = async |dividend, divisor| {
        let request = calculator.request("divide", &Division { dividend, divisor });
        request.await?.decode::<i64>().await
    };
    println!("84 / 2 = {}", divide(84, 2).await?);

    let failures = [
        ("84 / 0", divide(84, 0).await.err()),
        ("a value of another type", calculator.request("divide", "eighty-four").await.err()),
        (
            "a handler that does not answer in time",
            calculator.request("ponder", &42).timeout(Duration::from_millis(100)).await.err(),
        ),
        ("a subject without a binding", calculator.request("multiply", &(6, 7)).await.err()),
    ];
    for (what, error) in failures {
        let error = error.ok_or("it has to fail")?;
        println!("{what}: {error:#} ({:?})", error.kind());
        println!("    was the handler executed? {:?}", error.executed());
        assert_ne!(error.kind(), ErrorKind::Other);
    }

    // A request that is dropped is cancelled at the other side too: any future can end it.
    let ponder = calculator.request("ponder", &42).no_timeout();
    tokio::time::timeout(Duration::from_millis(100), ponder).await.expect_err("it never answers");
    println!("the request was dropped");
    Ok(())
}
