#![deny(unused_must_use)]

use conduit::{Conduit, Error};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;

fn make() -> Result<(), Error> {
    Conduit::new("user-service", Smol, Memory::new(), Json)?;
    Conduit::builder("user-service").runtime(Smol).transport(Memory::new()).encoder(Json).build()?;
    Ok(())
}

fn main() {}
