//! Work that ends with the interest in it, wherever it runs.

use std::{io, pin::pin, sync::Arc, time::Duration};

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use conduit::{Body, Conduit, Error, ErrorKind, Executed, Message};
use futures_lite::{future, stream};

use super::failures::{LONG, failed};
use crate::{Broker, Guarantee, Number, Violation, World, guard::Guard, quiet::Quiet};

const RULE: Guarantee = Guarantee::Release;
const HOPS: [&str; 3] = ["first", "second", "third"];

/// G13: three handlers, of which each asks the next, stop when the first request is dropped, and
/// so does an upload without an end that goes through all of them.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_request_ends_three_hops<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let hops = Hops::new(&world).await?;
    let quiet = Quiet::of(&world, hops.conduits.iter().chain([&hops.asker])).await?;
    for is_endless in [false, true] {
        let (body, sources) = if is_endless { endless() } else { small() };
        {
            let asking = hops.asker.service(HOPS[0]).request_body("hop", body);
            let asking = pin!(asking.timeout(LONG));
            let began = future::or(async { Err(hops.begins.recv().await) }, async {
                Ok(asking.await.map(drop))
            });
            let began = world.within(B::PATIENCE, RULE, "the third handler", began).await?;
            RULE.ensure(began.is_err(), || format!("a reply from nowhere: {began:?}"))?;
        }
        hops.end(&world).await?;
        let source = sources.recv();
        world.within(B::PATIENCE, RULE, "the end of the producer", source).await?.ok();
        quiet.returns(&world).await?;
    }
    Ok(())
}

/// G13: they stop when the deadline passes.
///
/// # Errors
/// What does not hold.
pub async fn a_deadline_ends_three_hops<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let hops = Hops::new(&world).await?;
    let quiet = Quiet::of(&world, hops.conduits.iter().chain([&hops.asker])).await?;
    for is_endless in [false, true] {
        let (body, sources) = if is_endless { endless() } else { small() };
        let asking = hops.asker.service(HOPS[0]).request_body("hop", body);
        let asked = asking.timeout(Duration::from_secs(2));
        let asked = world.within(B::PATIENCE, RULE, "the deadline", asked).await?;
        // The answerer's word that its handler was cut off may come first.
        let told = [Executed::Maybe, Executed::Yes].map(|it| (ErrorKind::Deadline, it));
        failed("a request over three hops", asked, &told)?;
        hops.end(&world).await?;
        let source = sources.recv();
        world.within(B::PATIENCE, RULE, "the end of the producer", source).await?.ok();
        quiet.returns(&world).await?;
    }
    Ok(())
}

/// Three services, of which each passes its request on to the next, and the last never answers.
struct Hops {
    asker: Conduit<Number>,
    conduits: Vec<Conduit<Number>>,
    begins: Receiver<()>,
    ends: Receiver<()>,
}

impl Hops {
    async fn new<B: Broker>(world: &Arc<World<B>>) -> Result<Self, Violation> {
        let asker = world.conduit("asker").await;
        let (begun, begins) = async_channel::unbounded();
        let (ended, ends) = async_channel::unbounded();
        let mut conduits = Vec::new();
        for (hop, name) in HOPS.into_iter().enumerate() {
            let conduit = world.conduit(name).await;
            let binding = RULE.expect("queue_bind", conduit.queue_bind("hop").await)?;
            let (begun, ended) = (begun.clone(), ended.clone());
            let next = HOPS.get(hop + 1).copied();
            binding.to(move |message| pass_on(message, next, begun.clone(), Guard(ended.clone())));
            conduits.push(conduit);
        }
        Ok(Self { asker, conduits, begins, ends })
    }

    /// Waits until all handlers were dropped.
    async fn end<B: Broker>(&self, world: &World<B>) -> Result<(), Violation> {
        for _ in HOPS {
            let end = world.within(B::PATIENCE, RULE, "the end of a handler", self.ends.recv());
            RULE.expect("the end of a handler", end.await?)?;
        }
        // For the next round.
        while self.begins.try_recv().is_ok() {}
        Ok(())
    }
}

async fn pass_on(
    message: Message<Number>,
    next: Option<&'static str>,
    begun: Sender<()>,
    guard: Guard,
) -> Result<(), Error> {
    if let Some(next) = next {
        let asking = message.service(next).request_body("hop", message.take_body()?);
        asking.no_timeout().await?;
    } else {
        begun.try_send(()).ok();
        future::pending::<()>().await;
    }
    drop(guard);
    Ok(())
}

fn small() -> (Body, Receiver<()>) {
    // Nobody holds a producer that was read.
    (Body::from("small"), async_channel::bounded(1).1)
}

/// A body that goes on for as long as somebody takes it, and what is told when it is dropped.
fn endless() -> (Body, Receiver<()>) {
    let (dropped, drops) = async_channel::bounded(1);
    let forever = stream::unfold(Guard(dropped), |guard| async {
        Some((io::Result::Ok(Bytes::from_static(&[7; 10_000])), guard))
    });
    (Body::stream(forever), drops)
}
