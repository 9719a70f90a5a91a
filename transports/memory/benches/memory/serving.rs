//! What a handler with types costs beside one that decodes and replies itself. Here `raw` is the
//! latter.

use conduit::{Client, Conduit, Error, Subject};
use conduit_bench::{Bench, Quantity, Under, Unit, in_flight};
use conduit_json::Json;
use conduit_memory::Memory;

const AT_ONCE: usize = 64;

pub(crate) fn run(bench: &mut Bench, under: &Under) {
    let case = format!("serve beside to, {}", under.name());
    if !bench.wants(&case) {
        return;
    }
    let count = bench.options().amount(50_000);
    let broker = Memory::new();
    let asker = under.conduit("asker", broker.clone(), Json);
    let answerer = under.conduit("answerer", broker, Json);
    let answerer = under.run(async move { bind(answerer).await.expect("two bindings") });
    let service = asker.service("answerer");
    let round = |subject: &str| {
        let subject: Subject = subject.parse().expect("a subject");
        let service = service.clone();
        let ask = move || double(service.clone(), subject.clone());
        [in_flight(under, count, AT_ONCE, ask).rate]
    };
    bench.case(
        &case,
        [Quantity::named("rate", Unit::PerSecond)],
        &mut || round("served"),
        &mut || round("handled"),
    );
    drop(answerer);
}

async fn bind(answerer: Conduit<Json>) -> Result<Conduit<Json>, Error> {
    answerer.queue_bind("served").await?.serve(async |number: u64| Ok::<_, Error>(number * 2));
    answerer.queue_bind("handled").await?.to(|message| async move {
        let number: u64 = message.decode().await?;
        message.reply(&(number * 2)).await
    });
    Ok(answerer)
}

async fn double(service: Client<Json>, subject: Subject) {
    let reply = service.request(subject, &21).await.expect("a reply");
    assert_eq!(reply.decode::<u64>().await.expect("a number"), 42);
}
