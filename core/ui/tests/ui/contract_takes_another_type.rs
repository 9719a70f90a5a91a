use conduit::{Conduit, Contract, Error};
use conduit_json::Json;

const RUN: Contract<u32, String> = Contract::request("job.run");
const CREATED: Contract<u32> = Contract::event("job.created");

async fn send(conduit: Conduit<Json>) -> Result<(), Error> {
    conduit.service("worker").call(&RUN, "one").await?;
    conduit.service("worker").send(&CREATED, "one").await?;
    Ok(())
}

fn main() {}
