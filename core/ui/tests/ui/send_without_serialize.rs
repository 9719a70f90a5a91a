use conduit::{Conduit, Error};
use conduit_json::Json;

struct UserCreated;

async fn send(conduit: Conduit<Json>) -> Result<(), Error> {
    conduit.service("mail").send("user.created", &UserCreated).await?;
    Ok(())
}

fn main() {}
