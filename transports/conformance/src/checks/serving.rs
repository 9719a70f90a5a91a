//! Handlers that take a value and return one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Error, ErrorKind, Executed, Failure, Message};

use super::failures::{LONG, fails};
use crate::{Broker, Guarantee, Number, Violation, World, tally::Tally};

const RULE: Guarantee = Guarantee::Replies;

/// `serve` gives each value to a function, and what it returns to the asker. What is sent one way
/// is handled too. An error, and what cannot be decoded, are told to the asker alone.
///
/// # Errors
/// What does not hold.
pub async fn served_values_are_answered<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 100;
    const WRONG: u64 = 1_000_000;
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let total = Arc::new(AtomicU64::new(0));
    let state = Arc::clone(&total);
    let served = RULE.expect("queue_bind", worker.queue_bind("add").await)?;
    let served = served.serve(move |number: u64| {
        let state = Arc::clone(&state);
        async move {
            if number == WRONG {
                return Err(Failure::new("wrong", "not that one"));
            }
            Ok(state.fetch_add(number, Ordering::Relaxed) + number)
        }
    });
    let service = asker.service("worker").timeout(LONG);
    let mut sum = 0;
    for number in 0..COUNT {
        RULE.expect("send", service.send("add", &number).await)?;
        let not_decoded = service.request_body("add", "nine bytes");
        // One packet goes to plain bindings too, until the group has not executed one.
        let is_known = number > 0 && B::TELLS_UNDELIVERED;
        let executed = if !is_known { Executed::Maybe } else { Executed::No };
        let told = [(ErrorKind::NotDecoded, executed)];
        fails(&world, "what is no number", not_decoded, &told).await?;
        let told = [(ErrorKind::HandlerFailed, Executed::Yes)];
        let error = fails(&world, "a wrong number", service.request("add", &WRONG), &told).await?;
        let code = error.failure().map(Failure::code);
        RULE.ensure(code == Some("wrong"), || format!("a failure without its code: {error:?}"))?;
        let asking = service.request("add", &number);
        let reply = world.within(B::PATIENCE, RULE, "the answer to a number", asking).await?;
        let answer: u64 = RULE.expect("decode", RULE.expect("ask", reply)?.decode().await)?;
        sum += 2 * number;
        RULE.ensure(answer == sum, || format!("{answer} where {sum} was to be answered"))?;
    }
    world.within(B::PATIENCE, RULE, "unbind", served.unbind()).await?;
    RULE.ensure(total.load(Ordering::Relaxed) == sum, || "a message came twice".to_owned())
}

/// `serve_with` gives a function the message too: its headers, its source, and the time that is
/// left.
///
/// # Errors
/// What does not hold.
pub async fn a_served_value_comes_with_its_message<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let source = asker.instance();
    let served = RULE.expect("queue_bind", worker.queue_bind("add").await)?;
    served.serve_with(move |number: u64, message: Message<Number>| async move {
        let header = message.headers().get("more").and_then(|more| more.parse::<u64>().ok());
        let is_asker = message.source().instance == source && message.is_request();
        let in_time = message.time_left().is_some_and(|left| left <= LONG && !left.is_zero());
        match header {
            Some(more) if is_asker && in_time => Ok(number + more),
            _ => Err(format!("{message:?} with {:?} left", message.time_left())),
        }
    });
    let asking = asker.service("worker").request("add", &40).header("more", "2").timeout(LONG);
    let asking = asking;
    let reply = world.within(B::PATIENCE, RULE, "the answer to a number", asking).await?;
    let answer: u64 = RULE.expect("decode", RULE.expect("ask", reply)?.decode().await)?;
    RULE.ensure(answer == 42, || format!("{answer} where 42 was to be answered"))
}

/// G13: requests that are made for another one have the time that it has left, hop by hop.
///
/// # Errors
/// What does not hold.
pub async fn time_left_shrinks_hop_by_hop<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const HOPS: [&str; 3] = ["first", "second", "third"];
    const PAUSE: Duration = Duration::from_millis(50);
    let asker = world.conduit("asker").await;
    let times = Tally::new(RULE);
    let mut conduits = Vec::new();
    for (hop, name) in HOPS.into_iter().enumerate() {
        let conduit = world.conduit(name).await;
        let served = RULE.expect("queue_bind", conduit.queue_bind("hop").await)?;
        let (times, world) = (times.sender(), Arc::clone(&world));
        served.serve_with(move |number: u64, message: Message<Number>| {
            let (times, world) = (times.clone(), Arc::clone(&world));
            async move {
                let left = message.time_left().unwrap_or(Duration::MAX).as_millis();
                times.try_send(u64::try_from(left).unwrap_or(u64::MAX)).ok();
                world.pause(PAUSE).await;
                let Some(next) = HOPS.get(hop + 1) else {
                    return Ok::<u64, Error>(number);
                };
                let asking = message.service(*next).request("hop", &number).no_timeout();
                asking.await?.decode().await
            }
        });
        conduits.push(conduit);
    }
    let asking = asker.service("first").request("hop", &7).timeout(LONG);
    let reply = world.within(B::PATIENCE, RULE, "an answer over three hops", asking).await?;
    let answer: u64 = RULE.expect("decode", RULE.expect("ask", reply)?.decode().await)?;
    RULE.ensure(answer == 7, || format!("{answer} where 7 was to be answered"))?;
    let mut most = u64::try_from(LONG.as_millis()).unwrap_or(u64::MAX);
    for hop in HOPS {
        let left = times.next(&world).await?;
        RULE.ensure(left <= most, || format!("{hop} had {left} ms left, of {most} at most"))?;
        // What travels is rounded up to a millisecond.
        most = left.saturating_sub(u64::try_from(PAUSE.as_millis()).unwrap_or(0)) + 1;
    }
    Ok(())
}
