//! One trace through three services, over a server.

#[path = "../../../../core/layers/otel/tests/support/chain.rs"]
mod chain;

use conduit::{Conduit, Runtime};
use conduit_json::Json;
use conduit_nats::Nats;

use self::chain::Chain;
use crate::support::{Outcome, Server, with_every_runtime};

with_every_runtime!(three_services_have_one_trace);

async fn three_services_have_one_trace(runtime: impl Runtime + Clone) -> Outcome {
    let (server, chain) = (Server::start(), Chain::new());
    let mut nodes = Vec::new();
    for service in ["client", "orders", "stock", "files"] {
        let nats = Nats::connect(&server.url()).await?;
        let builder = Conduit::builder(service).runtime(runtime.clone()).transport(nats);
        nodes.push(builder.encoder(Json).layer(chain.otel()).build()?);
    }
    let nodes: [_; 4] = nodes.try_into().map_err(|_| "there are four")?;
    chain.run(nodes).await
}
