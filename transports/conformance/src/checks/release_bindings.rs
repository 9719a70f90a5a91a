//! Bindings that end while messages wait in them.

use std::{sync::Arc, time::Duration};

use conduit::{Binding, Conduit, Error, ErrorKind, Executed};

use crate::{
    Broker, Guarantee, Number, Violation, World, pattern::Pattern, quiet::Quiet, reading::Reading,
    way::patient,
};

const RULE: Guarantee = Guarantee::Release;
const WHOLE: Pattern = Pattern::of_length(100);
const STREAMED: Pattern = Pattern::of_length(1 << 20);
const EACH: usize = 3;

/// What was sent to a binding and waits there.
struct Waiting {
    binding: Binding<Number>,
    /// What the senders of the streamed ones are told.
    streams: async_channel::Receiver<Result<(), Error>>,
    /// What the askers are told.
    requests: async_channel::Receiver<Result<(), Error>>,
}

/// Messages of all kinds, each several times, none of them taken.
async fn waiting<B: Broker>(
    world: &World<B>,
    sender: &Conduit<Number>,
    receiver: &Conduit<Number>,
) -> Result<Waiting, Violation> {
    let binding = RULE.expect("bind", receiver.bind("bodies").await)?;
    let to = sender.service("receiver");
    let (streamed, streams) = async_channel::unbounded();
    let (asked, requests) = async_channel::unbounded();
    for _ in 0..EACH {
        RULE.expect("send", to.send_body("bodies", WHOLE.bytes()).await)?;
        let asking = to.request_body("bodies", WHOLE.bytes()).no_timeout();
        let asked = asked.clone();
        world.spawn(async move {
            asked.send(asking.await.map(drop)).await.ok();
        });
        let sending = to.send_body("bodies", STREAMED.bytes()).expect(1);
        let streamed = streamed.clone();
        world.spawn(async move {
            streamed.send(sending.await.map(drop)).await.ok();
        });
    }
    world
        .eventually(
            RULE,
            || "not all of it comes to wait".to_owned(),
            || binding.waiting() == 3 * EACH,
        )
        .await?;
    Ok(Waiting { binding, streams, requests })
}

/// G10: a binding that is dropped releases what waits in it. The senders of streamed bodies and the
/// askers are told.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_binding_releases_what_waits<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = patient(&world, "sender").await;
    let receiver = world.conduit("receiver").await;
    let quiet = Quiet::of(&*world, [&sender, &receiver]).await?;
    let waiting = waiting(&world, &sender, &receiver).await?;
    drop(waiting.binding);
    for _ in 0..EACH {
        let told = told(&world, &waiting.streams).await?;
        is_failure(told, &[ErrorKind::Dropped, ErrorKind::Draining])?;
    }
    for _ in 0..EACH {
        let told = told(&world, &waiting.requests).await?;
        let error =
            is_failure(told, &[ErrorKind::Dropped, ErrorKind::Draining, ErrorKind::NoReceivers])?;
        RULE.ensure(error.executed() != Executed::Yes, || {
            format!("the handler never ran, and the asker is told {error:?}")
        })?;
    }
    quiet.returns(&world).await
}

/// G10, G17: what waits in a binding that is unbound can be taken; then the binding ends, and all is
/// released.
///
/// # Errors
/// What does not hold.
pub async fn an_unbound_binding_gives_what_waits<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = patient(&world, "sender").await;
    let receiver = world.conduit("receiver").await;
    let quiet = Quiet::of(&*world, [&sender, &receiver]).await?;
    let mut waiting = waiting(&world, &sender, &receiver).await?;
    waiting.binding.unbind().await;
    waiting.binding.unbind().await;
    for _ in 0..3 * EACH {
        let none = || Violation::new(Guarantee::Leaving, "the binding ended too soon");
        let message = waiting.binding.next().await.ok_or_else(none)?;
        let body = RULE.expect("take the body", message.take_body())?;
        let streamed = body.len() == Some(STREAMED.length());
        let pattern = if streamed { STREAMED } else { WHOLE };
        Reading::new(body, pattern).whole().await?;
        if message.is_request() {
            RULE.expect("reply", message.reply_body(()).await)?;
        }
    }
    let more = waiting.binding.next().await;
    Guarantee::Leaving.ensure(more.is_none(), || format!("something else comes: {more:?}"))?;
    for _ in 0..EACH {
        let told = told(&world, &waiting.streams).await?;
        RULE.expect("send", told)?;
    }
    for _ in 0..EACH {
        let told = told(&world, &waiting.requests).await?;
        RULE.expect("request", told)?;
    }
    drop(waiting.binding);
    quiet.returns(&world).await
}

/// What the next of those who wait is told.
async fn told<B: Broker>(
    world: &World<B>,
    results: &async_channel::Receiver<Result<(), Error>>,
) -> Result<Result<(), Error>, Violation> {
    const SOON: Duration = Duration::from_secs(30);
    let told = world.within(SOON, RULE, "a sender is told nothing", results.recv());
    Ok(told.await?.expect("the senders are tasks that end"))
}

fn is_failure(told: Result<(), Error>, kinds: &[ErrorKind]) -> Result<Error, Violation> {
    match told {
        Err(error) if kinds.contains(&error.kind()) => Ok(error),
        told => Err(Violation::new(RULE, format!("wanted one of {kinds:?}, got {told:?}"))),
    }
}
