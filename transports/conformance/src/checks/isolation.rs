//! What one stuck part does to the others: nothing.

use std::sync::Arc;

use conduit::{Conduit, Worker};
use futures_lite::future;

use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Isolation;

/// G14: while handlers of one subject never return, one can send, ask, bind, unbind and close.
///
/// # Errors
/// What does not hold.
pub async fn a_stuck_handler_delays_nothing<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = world.patient_conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let stuck = get_stuck(&world, &sender, &receiver).await?;
    for round in 0..10 {
        let beside = work_beside::<B>(&sender, &receiver, round);
        world.within(B::PATIENCE, RULE, "work beside a stuck handler", beside).await??;
        let own = sender.service("receiver").send("stuck", &round);
        RULE.expect("send to a stuck handler", own.await)?;
    }
    for handler in &stuck {
        let unbind = handler.unbind();
        world.within(B::PATIENCE, RULE, "unbind a stuck handler", unbind).await?;
    }
    for conduit in [&receiver, &sender] {
        let close = conduit.close();
        world.within(B::PATIENCE, RULE, "close beside a stuck handler", close).await?;
    }
    Ok(())
}

/// Binds handlers that never return, and waits until they have been called: with messages, with
/// requests, and with more of both than they can hold.
async fn get_stuck<B: Broker>(
    world: &World<B>,
    sender: &Conduit<Number>,
    receiver: &Conduit<Number>,
) -> Result<[Worker; 2], Violation> {
    let (called, calls) = async_channel::unbounded();
    let never = move |_| {
        called.try_send(()).ok();
        future::pending::<()>()
    };
    let workers = [
        RULE.expect("bind", receiver.bind("stuck").await)?.to(never.clone()),
        RULE.expect("queue_bind", receiver.queue_bind("stuck").await)?.to(never),
    ];
    let service = sender.service("receiver");
    for number in 0..2_000_u64 {
        RULE.expect("send", service.send("stuck", &number).await)?;
    }
    for number in 0..10_u64 {
        let request = service.request("stuck", &number).timeout(B::PATIENCE);
        world.spawn(async move { drop(request.await) });
    }
    for _ in &workers {
        let call = world.within(B::PATIENCE, RULE, "a first call", calls.recv());
        RULE.expect("a first call", call.await?)?;
    }
    Ok(workers)
}

/// Everything that one does with another subject.
async fn work_beside<B: Broker>(
    sender: &Conduit<Number>,
    receiver: &Conduit<Number>,
    round: u64,
) -> Result<(), Violation> {
    let service = sender.service("receiver");
    let mut news = RULE.expect("bind", receiver.bind("news").await)?;
    let jobs = RULE.expect("queue_bind", receiver.queue_bind("jobs").await)?;
    let jobs =
        jobs.to(|message| async move { message.reply(&message.decode::<u64>().await?).await });
    RULE.expect("send", service.send("news", &round).await)?;
    let message = news.next().await;
    RULE.ensure(message.is_some(), || "the binding ended".to_owned())?;
    let body = service.send_body("news", vec![7; 100_000]).expect(1);
    let read = async {
        let message = news.next().await;
        let message = message.ok_or_else(|| Violation::new(RULE, "the binding ended"))?;
        RULE.expect("read", message.to_bytes().await)
    };
    let (sent, read) = future::zip(body, read).await;
    RULE.expect("send a body", sent)?;
    read?;
    let asked = service.request("jobs", &round).timeout(B::PATIENCE);
    RULE.expect("ask", asked.await)?;
    news.unbind().await;
    jobs.unbind().await;
    Ok(())
}
