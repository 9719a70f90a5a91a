//! Handlers that run side by side.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conduit::{Error, ErrorKind, Executed, Message};
use futures_lite::future;

use super::failures::{LONG, failed};
use crate::{Broker, Guarantee, Number, Violation, World, tally::Tally};

const RULE: Guarantee = Guarantee::Isolation;

/// Of many requests at once, four members run four each at a time, never more, and all are
/// answered.
///
/// # Errors
/// What does not hold.
pub async fn members_run_as_many_as_they_may<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const MEMBERS: usize = 4;
    const EACH: usize = 4;
    const REQUESTS: u64 = 64;
    let asker = world.conduit("asker").await;
    let (open, gate) = async_channel::bounded::<()>(1);
    let everywhere = Arc::new(AtomicUsize::new(0));
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        let conduit = world.conduit("worker").await;
        let binding = RULE.expect("queue_bind", conduit.queue_bind("jobs").await)?;
        let (most, running) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (gate, everywhere) = (gate.clone(), Arc::clone(&everywhere));
        let (clock, seen) = (Arc::clone(&world), Arc::clone(&most));
        binding.concurrency(EACH).to(move |message: Message<Number>| {
            let (running, seen) = (Arc::clone(&running), Arc::clone(&seen));
            let (gate, everywhere) = (gate.clone(), Arc::clone(&everywhere));
            let clock = Arc::clone(&clock);
            async move {
                seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                everywhere.fetch_add(1, Ordering::SeqCst);
                let number: u64 = message.decode().await?;
                gate.recv().await.ok();
                clock.pause(Duration::from_millis(number % 16)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                message.reply(&number).await
            }
        });
        members.push((conduit, most));
    }
    let mut asked = Vec::new();
    for number in 0..REQUESTS {
        let asking = asker.service("worker").request("jobs", &number).timeout(LONG);
        asked.push(world.run(async move { asking.await?.decode::<u64>().await }));
    }
    // A request that waits at one member comes to the next, until none has nothing to do.
    let what = || format!("only {} handlers run", everywhere.load(Ordering::SeqCst));
    let all_run = || everywhere.load(Ordering::SeqCst) == MEMBERS * EACH;
    world.eventually(RULE, what, all_run).await?;
    drop(open);
    for (number, asked) in asked.into_iter().enumerate() {
        let what = format!("the answer to request {number}");
        let answer = world.within(3 * B::PATIENCE, RULE, &what, asked).await?;
        let answer = RULE.expect(&what, answer)?;
        RULE.ensure(answer == number as u64, || format!("{what} is {answer}"))?;
    }
    for (_, most) in &members {
        let most = most.load(Ordering::SeqCst);
        RULE.ensure(most == EACH, || format!("{most} handlers ran at a time, of {EACH}"))?;
    }
    Ok(())
}

/// With one handler at a time messages are handled in their order, each to its end; with some they
/// begin in it, and each is handled.
///
/// # Errors
/// What does not hold.
pub async fn handlers_begin_in_order<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    // As many as wait in a binding.
    const COUNT: u64 = 1_000;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    for (subject, concurrency) in [("one", 1), ("four", 4)] {
        let binding = RULE.expect("bind", receiver.bind(subject).await)?;
        let tally = Tally::new(Guarantee::Order);
        let (done, mut calls) = (tally.sender(), 0);
        let handler = binding.concurrency(concurrency).to(move |message: Message<Number>| {
            let (done, call) = (done.clone(), calls);
            calls += 1;
            async move {
                // The earlier ones take longer.
                for _ in 0..(7 - call % 7) {
                    future::yield_now().await;
                }
                let number: u64 = message.decode().await?;
                done.try_send(if number == call { number } else { u64::MAX }).ok();
                Ok::<_, Error>(())
            }
        });
        for number in 0..COUNT {
            RULE.expect("send", sender.service("receiver").send(subject, &number).await)?;
        }
        if concurrency == 1 {
            tally.in_order_below(&world, COUNT).await?;
        } else {
            tally.each_below(&world, COUNT).await?;
        }
        world.within(B::PATIENCE, RULE, "unbind", handler.unbind()).await?;
        tally.ends(&world).await?;
        RULE.ensure(handler.lost() == 0, || format!("{} were lost", handler.lost()))?;
    }
    Ok(())
}

/// G16: a handler that panics on every third message fails those, answers the others, and goes on;
/// one at a time or some.
///
/// # Errors
/// What does not hold.
pub async fn a_panic_fails_one_message<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 60;
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    for (subject, concurrency) in [("one", 1), ("two", 2)] {
        let binding = RULE.expect("queue_bind", worker.queue_bind(subject).await)?;
        let handler = binding.concurrency(concurrency).to(|message: Message<Number>| async move {
            let number: u64 = message.decode().await?;
            if number.is_multiple_of(3) {
                panic::resume_unwind(Box::new("as planned"));
            }
            message.reply(&number).await
        });
        let service = asker.service("worker").timeout(LONG);
        let mut asked = Vec::new();
        for number in 0..COUNT {
            RULE.expect("send", service.send(subject, &number).await)?;
            let asking = service.request(subject, &number);
            asked.push(world.run(async move { asking.await?.decode::<u64>().await }));
        }
        for (number, asked) in (0..).zip(asked) {
            let what = format!("request {number}");
            let answer = world.within(B::PATIENCE, RULE, &what, asked).await?;
            if number % 3 == 0 {
                failed(&what, answer, &[(ErrorKind::HandlerPanicked, Executed::Yes)])?;
            } else {
                let answer: u64 = RULE.expect(&what, answer)?;
                RULE.ensure(answer == number, || format!("{what} is answered by {answer}"))?;
            }
        }
        RULE.ensure(handler.is_bound(), || "a panic unbound it".to_owned())?;
    }
    Ok(())
}
