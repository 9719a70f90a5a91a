//! What draining makes of what a conduit has.

use std::{sync::Arc, time::Duration};

use async_channel::Receiver;
use conduit::{Conduit, Drained, Error, ErrorKind, Executed, Message};
use futures_lite::future;

use super::{
    errors::every_call,
    failures::{LONG, failed},
};
use crate::{Broker, Guarantee, Number, Violation, World, guard::Guard, tally::Tally};

const RULE: Guarantee = Guarantee::Leaving;

/// G17: handlers that run, and messages that wait for them, are let finish, and counted. Meanwhile
/// nothing new is bound. Then every call is `Closed`.
///
/// # Errors
/// What does not hold.
pub async fn draining_lets_handlers_finish<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for size in super::failures::SIZES {
        let asker = world.conduit("asker").await;
        let worker = world.conduit("worker").await;
        let (begun, begins) = async_channel::unbounded();
        let (open, gate) = async_channel::bounded::<()>(1);
        let binding = RULE.expect("queue_bind", worker.queue_bind("jobs").await)?;
        binding.concurrency(2).to(move |message: Message<Number>| {
            let gate = gate.clone();
            begun.try_send(()).ok();
            async move {
                gate.recv().await.ok();
                message.reply_body(message.take_body()?).await
            }
        });
        let mut asked = Vec::new();
        for _ in 0..2 {
            let asking = asker.service("worker").request_body("jobs", vec![7; size]).timeout(LONG);
            asked.push(world.run(async move { asking.await?.to_bytes().await }));
            let begun = world.within(B::PATIENCE, RULE, "a handler begins", begins.recv()).await?;
            RULE.expect("a handler begins", begun)?;
        }
        let drained = start_drain(&world, &worker, LONG).await?;
        let bound = worker.queue_bind("late").await.map(drop);
        let closed = matches!(&bound, Err(error) if error.kind() == ErrorKind::Closed);
        RULE.ensure(closed, || format!("bound while it drains: {bound:?}"))?;
        drop(open);
        for asked in asked {
            let what = "the answer of one that drains";
            let answer = world.within(B::PATIENCE, RULE, what, asked).await?;
            let answer = RULE.expect(what, answer)?;
            RULE.ensure(answer.len() == size, || format!("{} bytes came back", answer.len()))?;
        }
        counts(&world, drained, [2, 0, 0]).await?;
        world.within(B::PATIENCE, RULE, "calls after drain", every_call(&worker)).await??;
    }
    Ok(())
}

/// G17: at the limit a handler that does not end is dropped, its asker told, and that is counted.
///
/// # Errors
/// What does not hold.
pub async fn draining_cuts_off_at_its_limit<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let (begun, begins) = async_channel::unbounded();
    let (ended, ends) = async_channel::unbounded();
    RULE.expect("queue_bind", worker.queue_bind("jobs").await)?.to(move |message| {
        let guard = Guard(ended.clone());
        begun.try_send(()).ok();
        async move {
            future::pending::<()>().await;
            drop((message, guard));
        }
    });
    let asking = asker.service("worker").request("jobs", &1).timeout(LONG);
    let asked = world.run(async move { asking.await.map(drop) });
    let begun = world.within(B::PATIENCE, RULE, "a handler begins", begins.recv()).await?;
    RULE.expect("a handler begins", begun)?;
    let drained = start_drain(&world, &worker, Duration::from_millis(100)).await?;
    let end = world.within(B::PATIENCE, RULE, "the end of the handler", ends.recv()).await?;
    RULE.expect("the end of the handler", end)?;
    let asked = world.within(B::PATIENCE, RULE, "the answer to a request", asked).await?;
    failed("a handler that is cut off", asked, &[(ErrorKind::Closed, Executed::Yes)])?;
    counts(&world, drained, [0, 0, 1]).await?;
    world.within(B::PATIENCE, RULE, "calls after drain", every_call(&worker)).await?
}

/// G17: messages that wait for a handler are handled, of a `bind` and of a group.
///
/// # Errors
/// What does not hold.
pub async fn draining_handles_what_waits<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 100;
    let sender = world.conduit("sender").await;
    for subject in ["plain", "queue"] {
        let receiver = world.conduit("receiver").await;
        let bound = match subject {
            "plain" => receiver.bind(subject).await,
            _ => receiver.queue_bind(subject).await,
        };
        let (open, gate) = async_channel::bounded::<()>(1);
        let tally = Tally::new(RULE);
        let numbers = tally.sender();
        let handler = RULE.expect("bind", bound)?.to(move |message: Message<Number>| {
            let (gate, numbers) = (gate.clone(), numbers.clone());
            async move {
                gate.recv().await.ok();
                numbers.try_send(message.decode().await?).ok();
                Ok::<_, Error>(())
            }
        });
        let service = sender.service("receiver");
        for number in 0..COUNT {
            RULE.expect("send", service.send(subject, &number).await)?;
        }
        let what = || format!("{} messages wait", handler.waiting());
        world.eventually(RULE, what, || handler.waiting() as u64 == COUNT - 1).await?;
        let drained = start_drain(&world, &receiver, LONG).await?;
        drop(open);
        tally.in_order_below(&world, COUNT).await?;
        counts(&world, drained, [100, 0, 0]).await?;
        tally.nothing_more()?;
    }
    Ok(())
}

/// G17: what waits in a queue binding that nobody reads goes to another member at the limit, and
/// what waits in one of a `bind` is counted as aborted.
///
/// # Errors
/// What does not hold.
pub async fn draining_hands_on_what_nobody_reads<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 5;
    let asker = world.conduit("asker").await;
    // However slow the machine is, requests wait until the drain cuts them off.
    let leaves = world.builder("worker").await.max_request_wait(LONG).build();
    let leaves = RULE.expect("build", leaves)?;
    let stays = world.conduit("worker").await;
    let unread = RULE.expect("queue_bind", leaves.queue_bind("jobs").await)?;
    let plain = RULE.expect("bind", leaves.bind("news").await)?;
    let service = asker.service("worker").timeout(LONG);
    let mut asked = Vec::new();
    for number in 0..COUNT {
        RULE.expect("send", service.send("news", &number).await)?;
        RULE.expect("send", service.send("jobs", &number).await)?;
        let asking = service.request("jobs", &(COUNT + number));
        asked.push(world.run(async move { asking.await.map(drop) }));
    }
    let what = || format!("{} and {} messages wait", unread.waiting(), plain.waiting());
    let all = || (unread.waiting() as u64, plain.waiting() as u64) == (2 * COUNT, COUNT);
    world.eventually(RULE, what, all).await?;
    let tally = Tally::new(RULE);
    let numbers = tally.sender();
    let binding = RULE.expect("queue_bind", stays.queue_bind("jobs").await)?;
    binding.to(move |message: Message<Number>| {
        let numbers = numbers.clone();
        async move {
            numbers.try_send(message.decode().await?).ok();
            if message.is_request() {
                message.reply(&1).await?;
            }
            Ok::<_, Error>(())
        }
    });
    let drained = start_drain(&world, &leaves, Duration::from_millis(100)).await?;
    tally.each_below(&world, 2 * COUNT).await?;
    for asked in asked {
        let what = "the answer of another member";
        let answer = world.within(B::PATIENCE, RULE, what, asked).await?;
        RULE.expect(what, answer)?;
    }
    counts(&world, drained, [0, 10, 5]).await?;
    tally.nothing_more()
}

/// Begins to drain, and returns when it has begun.
async fn start_drain<B: Broker>(
    world: &World<B>,
    conduit: &Conduit<Number>,
    limit: Duration,
) -> Result<Receiver<Drained>, Violation> {
    let (sender, drained) = async_channel::bounded(1);
    let (draining, bindings) = (conduit.clone(), conduit.clone());
    world.spawn(async move {
        let counts = draining.drain(limit).await;
        sender.try_send(counts).ok();
    });
    let what = || "it does not leave its subjects".to_owned();
    world.eventually(RULE, what, || bindings.stats().subscriptions == 0).await?;
    Ok(drained)
}

/// What was finished, handed on and aborted.
async fn counts<B: Broker>(
    world: &World<B>,
    drained: Receiver<Drained>,
    wanted: [usize; 3],
) -> Result<(), Violation> {
    let drained = world.within(B::PATIENCE, RULE, "the end of a drain", drained.recv()).await?;
    let drained = RULE.expect("the end of a drain", drained)?;
    let counts = [drained.finished, drained.handed_on, drained.aborted];
    RULE.ensure(counts == wanted, || format!("{drained:?}, and {wanted:?} are right"))
}
