//! How bindings end.

use std::{sync::Arc, time::Duration};

use async_channel::Sender;
use conduit::{Binding, Executed, Worker};
use futures_lite::future;

use crate::{Broker, Guarantee, Number, Violation, World, tally::Tally};

const RULE: Guarantee = Guarantee::Leaving;

/// Unbinding ends `next`, also one that waits already; twice is fine, and one can bind again.
///
/// # Errors
/// What does not hold.
pub async fn an_unbound_binding_ends<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let conduit = world.conduit("receiver").await;
    for round in 0..6 {
        let bound = match round % 3 {
            0 => conduit.bind("news").await,
            1 => conduit.bind_once("news").await,
            _ => conduit.queue_bind("news").await,
        };
        let mut binding = RULE.expect("bind", bound)?;
        for _ in 0..2 {
            let unbind = binding.unbind();
            world.within(B::PATIENCE, RULE, "unbind", unbind).await?;
            let bound = binding.is_bound();
            RULE.ensure(!bound, || "it is bound after unbind".to_owned())?;
            let next = binding.next();
            let next = world.within(B::PATIENCE, RULE, "next after unbind", next).await?;
            RULE.ensure(next.is_none(), || format!("{next:?} after unbind"))?;
        }
    }
    let binding = RULE.expect("bind", conduit.bind("news").await)?;
    let (done, until) = async_channel::bounded::<()>(1);
    let mut binding = binding.until(async move {
        until.recv().await.ok();
    });
    let waits = world.run(async move { binding.next().await.is_none() });
    future::yield_now().await;
    drop(done);
    let ended = world.within(B::PATIENCE, RULE, "a `next` that waits when it is unbound", waits);
    RULE.ensure(ended.await?, || "a message out of nowhere came".to_owned())
}

/// Members of a queue come and go while messages flow, and none of those is lost.
///
/// # Errors
/// What does not hold.
pub async fn members_leave_without_loss<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 20_000;
    const LEAVES: u64 = 10;
    // No binding can overflow: this many are on their way.
    const ON_THEIR_WAY: usize = 256;
    let sender = world.conduit("sender").await;
    let stays = world.conduit("receiver").await;
    let leaves = world.conduit("receiver").await;
    let tally = Tally::new(RULE);
    let (slots, taken) = async_channel::bounded(ON_THEIR_WAY);
    let handle = |binding: Binding<Number>| {
        let (numbers, taken) = (tally.sender(), taken.clone());
        binding.to(move |message| {
            let (numbers, taken) = (numbers.clone(), taken.clone());
            async move {
                let number = message.decode().await?;
                taken.try_recv().ok();
                numbers.try_send(number).ok();
                Ok::<_, conduit::Error>(())
            }
        })
    };
    handle(RULE.expect("queue_bind", stays.queue_bind("jobs").await)?);
    let flow = world.run(flow(sender, COUNT, slots));
    let mut seen = 0;
    for _ in 0..LEAVES {
        let member = handle(RULE.expect("queue_bind", leaves.queue_bind("jobs").await)?);
        // It takes part for a while.
        seen += COUNT / (2 * LEAVES);
        let what = || format!("only {} messages came, of {seen} wanted", tally.len());
        world.eventually(RULE, what, || tally.len() as u64 >= seen).await?;
        unbind(&world, &member).await?;
    }
    tally.each_below(&world, COUNT).await?;
    RULE.expect("send", flow.await)?;
    tally.nothing_more()
}

/// Sends numbers, no more at a time than there are slots.
async fn flow(
    from: conduit::Conduit<Number>,
    count: u64,
    slots: Sender<()>,
) -> Result<(), conduit::Error> {
    let service = from.service("receiver");
    for number in 0..count {
        slots.send(()).await.ok();
        service.send("jobs", &number).await?;
    }
    Ok(())
}

async fn unbind<B: Broker>(world: &World<B>, handler: &Worker) -> Result<(), Violation> {
    world.within(B::PATIENCE, RULE, "unbind", handler.unbind()).await
}

/// A queue binding that is dropped with messages waiting gives them back to the group.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_member_hands_on<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 500;
    let sender = world.conduit("sender").await;
    let first = world.conduit("receiver").await;
    let second = world.conduit("receiver").await;
    let dropped = RULE.expect("queue_bind", first.queue_bind("jobs").await)?;
    let service = sender.service("receiver");
    for number in 0..COUNT / 2 {
        RULE.expect("send", service.send("jobs", &number).await)?;
    }
    let what = || format!("{} messages wait", dropped.waiting());
    let arrived = || dropped.waiting() as u64 == COUNT / 2;
    world.eventually(RULE, what, arrived).await?;
    let tally = Tally::new(RULE);
    let stays = tally.handle(RULE.expect("queue_bind", second.queue_bind("jobs").await)?);
    for number in COUNT / 2..COUNT {
        RULE.expect("send", service.send("jobs", &number).await)?;
    }
    drop(dropped);
    tally.each_below(&world, COUNT).await?;
    unbind(&world, &stays).await?;
    tally.ends(&world).await
}

/// What waits in a binding when it is unbound can still be read.
///
/// # Errors
/// What does not hold.
pub async fn what_waits_outlives_unbind<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 100;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    for subject in ["plain", "queue"] {
        let bound = match subject {
            "queue" => receiver.queue_bind(subject).await,
            _ => receiver.bind(subject).await,
        };
        let binding = RULE.expect("bind", bound)?;
        let service = sender.service("receiver");
        for number in 0..COUNT {
            RULE.expect("send", service.send(subject, &number).await)?;
        }
        let what = || format!("{} of {COUNT} messages wait", binding.waiting());
        let arrived = || binding.waiting() as u64 == COUNT;
        world.eventually(RULE, what, arrived).await?;
        let unbinding = binding.unbind();
        world.within(B::PATIENCE, RULE, "unbind", unbinding).await?;
        RULE.expect("send", service.send(subject, &COUNT).await)?;
        let tally = Tally::new(RULE);
        tally.handle(binding);
        tally.in_order_below(&world, COUNT).await?;
        tally.ends(&world).await?;
    }
    Ok(())
}

/// A request that waits in a queue binding that is dropped goes to another member; where there is
/// none, its asker is told at once.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_member_gives_requests_back<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const LONG: Duration = Duration::from_secs(100);
    let asker = world.conduit("asker").await;
    let conduits = [world.conduit("worker").await, world.conduit("worker").await];
    for others in [1, 0] {
        let dropped = RULE.expect("queue_bind", conduits[0].queue_bind("jobs").await)?;
        let request = asker.service("worker").request("jobs", &1).timeout(LONG);
        let asked = world.run(async move { request.await.map(drop) });
        let what = || "the request did not arrive".to_owned();
        let arrived = || dropped.waiting() == 1;
        world.eventually(RULE, what, arrived).await?;
        let mut handlers = Vec::new();
        for conduit in &conduits[1..=others] {
            let other = RULE.expect("queue_bind", conduit.queue_bind("jobs").await)?;
            handlers.push(other.to(|message| async move { message.reply(&2).await }));
        }
        drop(dropped);
        let what = "the answer to a request that was given back";
        let answer = world.within(B::PATIENCE, RULE, what, asked).await?;
        let right = match &answer {
            Ok(()) => others == 1,
            Err(error) => others == 0 && error.executed() == Executed::No,
        };
        RULE.ensure(right, || format!("{what}, with {others} others: {answer:?}"))?;
        for handler in &handlers {
            unbind(&world, handler).await?;
        }
    }
    Ok(())
}
