use conduit::{Conduit, Contract, Error};
use conduit_json::Json;

const CREATED: Contract<u32> = Contract::event("job.created");

async fn ask(conduit: Conduit<Json>) -> Result<(), Error> {
    conduit.service("worker").call(&CREATED, &1).await?;
    Ok(())
}

fn main() {}
