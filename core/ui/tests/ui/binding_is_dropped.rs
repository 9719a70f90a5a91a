#![deny(unused_must_use)]

use std::future::pending;

use conduit::{Conduit, Error};
use conduit_json::Json;

async fn listen(conduit: &Conduit<Json>) -> Result<(), Error> {
    conduit.bind("user.created");
    conduit.bind("user.created").await?;
    conduit.bind_once("user.created").await?;
    conduit.queue_bind("user.created").await?.concurrency(4);
    conduit.bind("user.created").await?.until(pending());
    Ok(())
}

fn main() {}
