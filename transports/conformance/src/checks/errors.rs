//! What one is told when something cannot be done.

use std::{sync::Arc, time::Duration};

use conduit::{Conduit, Error, ErrorKind, Executed};
use futures_lite::future;

use crate::{Broker, Guarantee, Number, Violation, World};

/// So long that only something else than the deadline ends a request in time.
const LONG: Duration = Duration::from_secs(100);

/// A request that nobody is bound for fails at once, whether its service runs or not, and whether
/// its body fits one packet or not. Nobody can have handled it.
///
/// # Errors
/// What does not hold.
pub async fn a_request_to_nobody_fails_at_once<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let rule = Guarantee::Undelivered;
    let asker = world.conduit("asker").await;
    let alive = world.conduit("alive").await;
    let _other = rule.expect("bind", alive.bind("other").await)?;
    let gone = rule.expect("queue_bind", alive.queue_bind("gone").await)?;
    let left = gone.unbind();
    world.within(B::PATIENCE, rule, "unbind", left).await?;
    for (service, subject) in [("absent", "nothing"), ("alive", "nothing"), ("alive", "gone")] {
        for size in [0, 10, 100_000] {
            let request = asker.service(service).request_body(subject, vec![7; size]).timeout(LONG);
            let what = format!("the answer to {size} bytes sent to {service}/{subject}");
            let answer = request;
            let answer = world.within(B::PATIENCE, rule, &what, answer).await?.map(drop);
            let told = matches!(&answer, Err(error)
                if error.kind() == ErrorKind::NoReceivers && error.executed() == Executed::No);
            rule.ensure(told, || format!("{what} is {answer:?}"))?;
        }
    }
    Ok(())
}

/// A streamed message that nobody is bound for has no receivers, and that is no error.
///
/// # Errors
/// What does not hold.
pub async fn a_body_to_nobody_has_no_receivers<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let rule = Guarantee::Undelivered;
    let sender = world.conduit("sender").await;
    let _alive = world.conduit("alive").await;
    for service in ["absent", "alive"] {
        let sending = sender.service(service).send_body("nothing", vec![7; 100_000]);
        let what = "the end of a body that nobody takes";
        let sent = world.within(B::PATIENCE, rule, what, sending).await?;
        let sent = rule.expect(what, sent)?;
        let nobody = sent.completed().is_empty() && sent.failed().is_empty();
        rule.ensure(nobody, || format!("nobody is bound, and it went to {sent:?}"))?;
    }
    Ok(())
}

/// Closing ends what waits, at this side and for those who wait for its answer, and every call
/// after it is told so.
///
/// # Errors
/// What does not hold.
pub async fn a_closed_conduit_says_so<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Errors;
    let other = world.conduit("other").await;
    let silent = rule.expect("queue_bind", other.queue_bind("silence").await)?;
    let conduit = world.conduit("closing").await;
    let mut waits = rule.expect("bind", conduit.bind("news").await)?;
    let mut unread = rule.expect("queue_bind", conduit.queue_bind("jobs").await)?;
    let ended = world.run(async move { waits.next().await.is_none() });
    let asks = conduit.service("other").request("silence", &1).timeout(LONG);
    let asks = world.run(async move { asks.await.map(drop) });
    let what = || "the request did not arrive".to_owned();
    world.eventually(rule, what, || silent.waiting() == 1).await?;
    for _ in 0..2 {
        let close = conduit.close();
        world.within(B::PATIENCE, rule, "close", close).await?;
    }
    let ended = world.within(B::PATIENCE, rule, "a `next` that waits", ended);
    rule.ensure(ended.await?, || "a message out of nowhere came".to_owned())?;
    let next = world.within(B::PATIENCE, rule, "next after close", unread.next());
    let next = next.await?;
    rule.ensure(next.is_none(), || format!("{next:?} after close"))?;
    let asked = world.within(B::PATIENCE, rule, "a request that waits", asks).await?;
    is_closed("a request that waits", asked)?;
    world.within(B::PATIENCE, rule, "calls after close", every_call(&conduit)).await?
}

pub(super) async fn every_call(conduit: &Conduit<Number>) -> Result<(), Violation> {
    let service = conduit.service("other");
    is_closed("send", service.send("news", &1).await)?;
    let body = service.send_body("news", vec![7; 100_000]);
    is_closed("send a body", body.await)?;
    let own = conduit.own_service().send("news", &1);
    is_closed("send to oneself", own.await)?;
    is_closed("request", service.request("jobs", &1).await)?;
    let body = service.request_body("jobs", vec![7; 100_000]);
    is_closed("request with a body", body.await)?;
    is_closed("bind", conduit.bind("news").await)?;
    is_closed("bind_once", conduit.bind_once("news").await)?;
    is_closed("queue_bind", conduit.queue_bind("jobs").await)
}

fn is_closed<T>(doing: &str, result: Result<T, Error>) -> Result<(), Violation> {
    let result = result.map(drop);
    let closed = matches!(&result, Err(error) if error.kind() == ErrorKind::Closed);
    Guarantee::Errors.ensure(closed, || format!("{doing} after close: {result:?}"))
}

/// Whoever asked a conduit that closes is told, and does not wait for the deadline.
///
/// # Errors
/// What does not hold.
pub async fn askers_of_a_closed_conduit_are_told<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Errors;
    let asker = world.conduit("asker").await;
    let closing = world.conduit("closing").await;
    let jobs = rule.expect("queue_bind", closing.queue_bind("jobs").await)?;
    let (called, calls) = async_channel::unbounded();
    let jobs = jobs.to(move |_| {
        called.try_send(()).ok();
        future::pending::<()>()
    });
    let mut asked = Vec::new();
    for number in 0..3_u64 {
        let request = asker.service("closing").request("jobs", &number);
        let request = request.timeout(LONG);
        asked.push(world.run(async move { request.await.map(drop) }));
    }
    let call = world.within(B::PATIENCE, rule, "a first call", calls.recv()).await?;
    rule.expect("a first call", call)?;
    let what = || "two more requests did not arrive".to_owned();
    world.eventually(rule, what, || jobs.waiting() == 2).await?;
    let close = closing.close();
    world.within(B::PATIENCE, rule, "close", close).await?;
    for asked in asked {
        let what = "an answer from a conduit that closed";
        let answer = world.within(B::PATIENCE, rule, what, asked).await?;
        rule.ensure(answer.is_err(), || format!("{what}: {answer:?}"))?;
    }
    Ok(())
}

/// Closing cancels what the conduit has asked for, wherever that runs.
///
/// # Errors
/// What does not hold.
pub async fn closing_cancels_its_requests<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Release;
    let asker = world.conduit("asker").await;
    let worker = world.conduit("worker").await;
    let jobs = rule.expect("queue_bind", worker.queue_bind("jobs").await)?;
    let (begun, begins) = async_channel::unbounded();
    // It is dropped with the handler's future, and that closes the channel.
    let (mut running, dropped) = {
        let (running, dropped) = async_channel::bounded::<()>(1);
        (Some(running), dropped)
    };
    jobs.to(move |_| {
        begun.try_send(()).ok();
        let running = running.take();
        async move {
            future::pending::<()>().await;
            drop(running);
        }
    });
    let request = asker.service("worker").request("jobs", &1).timeout(LONG);
    let asked = world.run(async move { request.await.map(drop) });
    let call = world.within(B::PATIENCE, rule, "a first call", begins.recv()).await?;
    rule.expect("a first call", call)?;
    let close = asker.close();
    world.within(B::PATIENCE, rule, "close", close).await?;
    is_closed("a request that waits", asked.await)?;
    let what = "the end of a handler whose asker has closed";
    world.within(B::PATIENCE, rule, what, dropped.recv()).await?.ok();
    Ok(())
}
