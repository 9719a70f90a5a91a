use conduit::{Conduit, Contract, Error};
use conduit_json::Json;

const RUN: Contract<u32, String> = Contract::request("job.run");

async fn run(conduit: Conduit<Json>) -> Result<(), Error> {
    conduit.queue_bind(&RUN).await?.serve(async |number| Ok::<u32, Error>(number));
    let _: u32 = conduit.own_service().call(&RUN, &1).await?;
    Ok(())
}

fn main() {}
