//! What an asker is told where no handler has answered.

use std::{sync::Arc, time::Duration};

use conduit::{Body, Conduit, ErrorKind, Executed};
use futures_lite::future;

use super::failures::{LONG, SIZES, failed, fails};
use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Errors;

/// G12: a group without room refuses until the time to ask it is over. Nothing has run, and one can try
/// again. Only of the first request that went in one packet to all is it not known whether a bind
/// has got it.
///
/// # Errors
/// What does not hold.
pub async fn a_full_group_is_overloaded<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    // How long it is asked. A request with a deadline could reach that on a slow machine.
    const TIMEOUT: Duration = Duration::from_secs(2);
    let asker = world.builder("asker").await.send_timeout(TIMEOUT).build();
    let asker = RULE.expect("build", asker)?;
    let full = world.builder("full").await.max_waiting_messages(1).build();
    let full = RULE.expect("build", full)?;
    let binding = RULE.expect("queue_bind", full.queue_bind("jobs").await)?;
    let service = asker.service("full").no_timeout();
    RULE.expect("send", service.send("jobs", &1).await)?;
    let what = || "the message did not arrive".to_owned();
    world.eventually(RULE, what, || binding.waiting() == 1).await?;
    let asking = service.request_body("jobs", vec![7; SIZES[0]]);
    let told = [(ErrorKind::Overloaded, Executed::Maybe)];
    fails(&world, "the first request for a full group", asking, &told).await?;
    if B::TELLS_UNDELIVERED {
        for size in SIZES {
            let asking = service.request_body("jobs", vec![7; size]);
            let what = format!("{size} bytes for a full group");
            let told = [(ErrorKind::Overloaded, Executed::No)];
            let error = fails(&world, &what, asking, &told).await?;
            RULE.ensure(error.is_retryable(), || format!("not to be tried again: {error:?}"))?;
        }
    }
    RULE.ensure(binding.waiting() == 1, || "it took more than it has room for".to_owned())
}

/// G12, G17: what waits in the only member of a group is refused when that is drained: no handler
/// has run, as far as the broker has said that there is no bind beside it.
///
/// # Errors
/// What does not hold.
pub async fn a_lone_member_that_drains_refuses<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let asker = world.conduit("asker").await;
    // The first goes to all in one packet.
    let first = (SIZES[0], Executed::Maybe);
    for (size, executed) in [first].into_iter().chain(SIZES.map(|size| (size, Executed::No))) {
        let worker = world.conduit("worker").await;
        let binding = RULE.expect("queue_bind", worker.queue_bind("jobs").await)?;
        let asking = asker.service("worker").request_body("jobs", vec![7; size]).timeout(LONG);
        let asked = world.run(async move { asking.await.map(drop) });
        let what = || "the request did not arrive".to_owned();
        world.eventually(RULE, what, || binding.waiting() == 1).await?;
        let drain = worker.drain(Duration::ZERO);
        world.within(B::PATIENCE, RULE, "drain", drain).await?;
        let what = format!("{size} bytes that waited for one that drains");
        let asked = world.within(B::PATIENCE, RULE, &what, asked).await?;
        // It is asked again, and there is nobody any more.
        let told = [(ErrorKind::Draining, executed), (ErrorKind::NoReceivers, Executed::No)];
        let error = failed(&what, asked, &told)?;
        let is_right = error.is_retryable() == (error.executed() == Executed::No);
        RULE.ensure(is_right, || format!("whether to try again: {error:?}"))?;
    }
    Ok(())
}

/// G12, G13: a deadline that passes while the handler runs is a deadline, and nothing else.
///
/// # Errors
/// What does not hold.
pub async fn a_passed_deadline_is_a_deadline<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    // Some of them, since what comes first at the deadline could be something else.
    const ROUNDS: usize = 5;
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let begins = stuck(&worker).await?;
    for size in SIZES {
        let mut asked = Vec::new();
        for _ in 0..ROUNDS {
            let asking = asker.service("worker").request_body("jobs", vec![7; size]);
            let asking = asking.timeout(Duration::from_secs(1));
            asked.push(world.run(async move { asking.await.map(drop) }));
        }
        for asked in asked {
            let what = format!("{size} bytes for a handler that does not end");
            let asked = world.within(B::PATIENCE, RULE, &what, asked).await?;
            // The answerer's word that its handler was cut off may come first.
            let told = [Executed::Maybe, Executed::Yes].map(|it| (ErrorKind::Deadline, it));
            failed(&what, asked, &told)?;
        }
    }
    RULE.ensure(!begins.is_empty(), || "no handler began".to_owned())
}

/// G12: a conduit that is closed while it asks, and one that is closed while it is asked.
///
/// # Errors
/// What does not hold.
pub async fn a_request_amid_which_one_closes_is_closed<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for size in SIZES {
        for asker_closes in [true, false] {
            let asker = world.conduit("asker").await;
            let worker = world.conduit("worker").await;
            let begins = stuck(&worker).await?;
            let asking = asker.service("worker").request_body("jobs", Body::from(vec![7; size]));
            let asking = asking.timeout(LONG);
            let asked = world.run(async move { asking.await.map(drop) });
            let begun = world.within(B::PATIENCE, RULE, "a first call", begins.recv()).await?;
            RULE.expect("a first call", begun)?;
            let closes = if asker_closes { &asker } else { &worker };
            let drain = closes.drain(Duration::ZERO);
            world.within(B::PATIENCE, RULE, "drain", drain).await?;
            let what = format!("{size} bytes, and {} closed", closes.name());
            let asked = world.within(B::PATIENCE, RULE, &what, asked).await?;
            // The handler that closing cuts off says that it ran; that its body is stopped says less.
            let told = [Executed::Maybe, Executed::Yes].map(|it| (ErrorKind::Closed, it));
            failed(&what, asked, if asker_closes { &told[..1] } else { &told })?;
        }
    }
    Ok(())
}

/// Binds handlers that never end, many at a time, and that say when they have begun.
async fn stuck(worker: &Conduit<Number>) -> Result<async_channel::Receiver<()>, Violation> {
    let (begun, begins) = async_channel::unbounded();
    let binding = RULE.expect("queue_bind", worker.queue_bind("jobs").await)?;
    binding.concurrency(64).to(move |message| {
        begun.try_send(()).ok();
        async move {
            future::pending::<()>().await;
            drop(message);
        }
    });
    Ok(begins)
}
