//! Requests whose asker loses interest.

use std::{pin::pin, sync::Arc, time::Duration};

use conduit::{Body, Error};
use futures_lite::future;

use crate::{
    Broker, Guarantee, Violation, World, guard::Guard, odd::Odd, pattern::Pattern, quiet::Quiet,
    reading::Reading,
};

const RULE: Guarantee = Guarantee::Release;
const LENGTH: u64 = 3 << 20;
const SOON: Duration = Duration::from_secs(30);

/// G13: the handler of a request that is dropped is dropped too, whether the request's body has
/// been sent or not; and nothing is held.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_request_cancels_its_handler<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let (begun, begins) = async_channel::unbounded();
    let (ended, ends) = async_channel::unbounded();
    RULE.expect("bind", worker.queue_bind("work").await)?.to(move |message| {
        let (begun, guard) = (begun.clone(), Guard(ended.clone()));
        async move {
            begun.send(()).await.ok();
            future::pending::<()>().await;
            drop((message, guard));
        }
    });
    let quiet = Quiet::of(&world, [&asker, &worker]).await?;
    let bodies: [fn() -> Body; 3] = [
        || Body::from("small"),
        || Body::reader(Odd::new(Pattern::new(1, LENGTH))),
        // It never comes to its end.
        || {
            let (gate, odd) = Odd::new(Pattern::new(2, LENGTH)).waits(20_000);
            std::mem::forget(gate);
            Body::reader(odd)
        },
    ];
    for body in bodies {
        let asking = asker.service("worker").request_body("work", body());
        {
            let asking = pin!(asking.no_timeout());
            let begins = async { Err(begins.recv().await) };
            let began = future::or(begins, async { Ok(asking.await.map(drop)) }).await;
            RULE.ensure(began.is_err(), || format!("a reply from nowhere: {began:?}"))?;
        }
        world
            .within(SOON, RULE, "the handler goes on", ends.recv())
            .await?
            .expect("the handler is there");
        quiet.returns(&world).await?;
    }
    Ok(())
}

/// G10, G13: a reply that is dropped in the middle ends the sending of it, and of what it is made
/// of: here, of the body of a request that is echoed.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_reply_ends_its_sources<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let (ended, ends) = async_channel::unbounded();
    RULE.expect("bind", worker.queue_bind("work").await)?.to(move |message| {
        let guard = Guard(ended.clone());
        async move {
            message.reply_body(message.take_body()?).await?;
            drop(guard);
            Ok::<_, Error>(())
        }
    });
    let quiet = Quiet::of(&world, [&asker, &worker]).await?;
    for read in [0, LENGTH / 2] {
        let pattern = Pattern::new(3, LENGTH);
        let body = Body::reader(Odd::new(pattern));
        let asking = asker.service("worker").request_body("work", body);
        let reply = RULE.expect("request", asking.no_timeout().await)?;
        let body = RULE.expect("take the body", reply.take_body())?;
        let mut reading = Reading::new(body, pattern);
        reading.until(read).await?;
        drop((reading, reply));
        world
            .within(SOON, RULE, "the handler goes on", ends.recv())
            .await?
            .expect("the handler is there");
        quiet.returns(&world).await?;
    }
    Ok(())
}
