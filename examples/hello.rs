//! `cargo run --example hello`
//!
//! Two services talk in one process, without a server. What they say to each other is in
//! `src/tour.rs`; the example `nats` runs the same over a network.

use std::error::Error;

use conduit::Conduit;
use conduit_examples::tour::tour;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;

fn main() -> Result<(), Box<dyn Error>> {
    let broker = Memory::new();
    // One conduit for each instance of a service: each clone of the broker is one connection to it.
    let connect = |service| Conduit::new(service, Smol, broker.clone(), Json);

    smol::block_on(tour(connect("shop")?, [connect("warehouse")?, connect("warehouse")?]))?;
    Ok(())
}
