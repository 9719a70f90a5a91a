use conduit::{Error, Message};
use conduit_json::Json;

struct UserCreated;

async fn receive(message: Message<Json>) -> Result<UserCreated, Error> {
    message.decode::<UserCreated>().await
}

fn main() {}
