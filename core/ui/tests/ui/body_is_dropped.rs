#![deny(unused_must_use)]

use conduit::{Error, Message};
use conduit_json::Json;

fn refuse(message: &Message<Json>) -> Result<(), Error> {
    message.take_body()?;
    Ok(())
}

fn main() {}
