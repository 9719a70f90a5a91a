use conduit::{Conduit, Contract, Error};
use conduit_json::Json;

const RUN: Contract<u32, String> = Contract::request("job.run");

async fn send(conduit: Conduit<Json>) -> Result<(), Error> {
    conduit.service("worker").send(&RUN, &1).await?;
    Ok(())
}

fn main() {}
