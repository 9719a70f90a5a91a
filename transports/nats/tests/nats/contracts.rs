//! Subjects with the types of their messages, over a server.

use conduit::{Contract, ErrorKind, Executed, Failure, Runtime};

use crate::support::{Outcome, Server, connected, with_every_runtime};

const SHOUT: Contract<String, String> = Contract::request("text.shout");
const SHOUTED: Contract<String> = Contract::event("text.shouted");

with_every_runtime!(calls_and_events_have_their_types);

async fn calls_and_events_have_their_types(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let asker = connected("asker", &runtime, &server).await?.build()?;
    let worker = connected("worker", &runtime, &server).await?.build()?;
    let told = worker.service("asker");
    let (heard, texts) = async_channel::unbounded();
    asker.bind(&SHOUTED).await?.to(move |text| {
        let heard = heard.clone();
        async move { heard.send(text).await }
    });
    worker.queue_bind(&SHOUT).await?.serve(move |text| {
        let told = told.clone();
        async move {
            if text.is_empty() {
                return Err(Failure::new("empty", "there is nothing to shout"));
            }
            let text = text.to_uppercase();
            let sent = told.send(&SHOUTED, &text).await;
            sent.map_err(|error| Failure::new("unheard", error.to_string()))?;
            Ok(text)
        }
    });
    let service = asker.service("worker");
    assert_eq!(service.call(&SHOUT, &"hello".into()).await?, "HELLO");
    assert_eq!(texts.recv().await?, "HELLO");
    let error = service.call(&SHOUT, &String::new()).await.expect_err("there is nothing");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::HandlerFailed, Executed::Yes));
    assert_eq!(error.failure().map(Failure::code), Some("empty"));
    // Longer than a packet, both ways.
    let long = "long ".repeat(100_000);
    assert_eq!(service.call(&SHOUT, &long).await?, long.to_uppercase());
    Ok(())
}
