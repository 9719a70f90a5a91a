//! One trace through three services, under virtual time. `conduit-nats` runs the same over a server.

#[path = "support/chain.rs"]
mod support;

use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;

use crate::support::Chain;

#[test]
fn three_services_have_one_trace() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (sim, broker, chain) = (Sim::new(7), Memory::new(), Chain::new());
    let node = |service| {
        let builder = Conduit::builder(service).runtime(sim.clone()).ids(sim.ids());
        builder.transport(broker.clone()).encoder(Json).layer(chain.otel()).build()
    };
    let nodes = [node("client")?, node("orders")?, node("stock")?, node("files")?];
    sim.block_on(chain.run(nodes))
}
