//! A service that is replaced while it works.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Client, Conduit, Error, Message};

use crate::{Broker, Guarantee, Number, Violation, World, pattern::Pattern};

const RULE: Guarantee = Guarantee::Leaving;
const MEMBERS: u64 = 3;
const ASKERS: u64 = 8;
const REQUESTS: u64 = 10_000;
/// One in so many requests is followed by a streamed one.
const STREAMED: u64 = 10;
/// More than one chunk.
const LENGTH: u64 = 20_000;

/// G17: three members of a group are drained and replaced, one after the other, while eight askers
/// make 10,000 requests, and 1,000 whose bodies and replies are streamed. None fails.
///
/// # Errors
/// What does not hold.
pub async fn a_rolling_restart_fails_nothing<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        members.push(member(&world).await?);
    }
    let (failed, failures) = async_channel::unbounded();
    let answered = Arc::new(AtomicU64::new(0));
    let mut askers = Vec::new();
    for asker in 0..ASKERS {
        let conduit = world.conduit("asker").await;
        let (answered, failed) = (Arc::clone(&answered), failed.clone());
        askers.push(world.run(async move {
            let service = conduit.service("worker").timeout(Duration::from_secs(60));
            for number in (asker..REQUESTS).step_by(usize::try_from(ASKERS).unwrap_or(1)) {
                if let Err(what) = ask(&service, number).await {
                    failed.try_send(what).ok();
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let mut replacements = Vec::new();
    for (turn, member_that_leaves) in (1..).zip(members) {
        // Some of the work is done between two of them, and some is left after the last.
        let wanted = turn * REQUESTS / (MEMBERS + 1);
        while answered.load(Ordering::Relaxed) < wanted && failures.is_empty() {
            world.pause(Duration::from_millis(5)).await;
        }
        let drained = member_that_leaves.drain(Duration::from_secs(60)).await;
        RULE.ensure(drained.aborted == 0, || format!("work was cut off: {drained:?}"))?;
        replacements.push(member(&world).await?);
    }
    for asker in askers {
        asker.await;
    }
    let first = failures.try_recv().ok();
    RULE.ensure(first.is_none(), || {
        format!("{} of them failed, one with {first:?}", failures.len() + 1)
    })
}

/// One that answers with what it was asked.
async fn member<B: Broker>(world: &World<B>) -> Result<Conduit<Number>, Violation> {
    let conduit = world.conduit("worker").await;
    for subject in ["small", "streamed"] {
        let binding = RULE.expect("queue_bind", conduit.queue_bind(subject).await)?;
        binding.concurrency(4).to(|message: Message<Number>| async move {
            message.reply_body(message.take_body()?).await
        });
    }
    Ok(conduit)
}

async fn ask(service: &Client<Number>, number: u64) -> Result<(), String> {
    let small = async {
        let reply = service.request_body("small", number.to_string()).await?;
        reply.text().await
    };
    let small = small.await.map_err(|error: Error| format!("request {number}: {error:?}"))?;
    if small != number.to_string() {
        return Err(format!("request {number} got {small:?}"));
    }
    if !number.is_multiple_of(STREAMED) {
        return Ok(());
    }
    let body = Pattern::new(number, LENGTH);
    let streamed = async {
        let reply = service.request_body("streamed", body.bytes()).await?;
        reply.to_bytes().await
    };
    let streamed = streamed.await.map_err(|error| format!("upload {number}: {error:?}"))?;
    if streamed.len() as u64 != LENGTH || !body.matches(0, &streamed) {
        return Err(format!("upload {number} got {} other bytes", streamed.len()));
    }
    Ok(())
}
