//! Who gets a message.

use std::sync::Arc;

use conduit::Worker;

use crate::{Broker, Guarantee, Number, Violation, World, tally::Tally};

/// G1: every `bind` of a subject, in every instance, gets every message, in order.
///
/// # Errors
/// What does not hold.
pub async fn every_bind_gets_every_message<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 1_000;
    let rule = Guarantee::Broadcast;
    let sender = world.conduit("sender").await;
    let mut receivers = Vec::new();
    for _ in 0..3 {
        let conduit = world.conduit("receiver").await;
        let tally = Tally::new(rule);
        let worker = tally.handle(rule.expect("bind", conduit.bind("news").await)?);
        receivers.push((conduit, tally, worker));
    }
    send_numbers(rule, &sender, "receiver", "news", COUNT).await?;
    for (_conduit, tally, worker) in receivers {
        tally.in_order_below(&world, COUNT).await?;
        worker.unbind().await;
        tally.ends(&world).await?;
    }
    Ok(())
}

/// G1 to G3: where three instances have both kinds of bindings, each `bind` gets every message,
/// and the queue bindings together get each once. An instance without bindings takes none away.
///
/// # Errors
/// What does not hold.
pub async fn both_kinds_get_the_same_message<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 1_000;
    let sender = world.conduit("sender").await;
    let shared = Tally::new(Guarantee::Queue);
    let (mut conduits, mut receivers) = (Vec::new(), Vec::new());
    let mut members: Vec<Worker> = Vec::new();
    let bystander = world.conduit("receiver").await;
    for _ in 0..3 {
        let conduit = world.conduit("receiver").await;
        let own = Tally::new(Guarantee::Broadcast);
        let plain = Guarantee::Broadcast.expect("bind", conduit.bind("news").await)?;
        let queue = Guarantee::Queue.expect("queue_bind", conduit.queue_bind("news").await)?;
        let plain = own.handle(plain);
        members.push(shared.handle(queue));
        receivers.push((own, plain));
        conduits.push(conduit);
    }
    send_numbers(Guarantee::Broadcast, &sender, "receiver", "news", COUNT).await?;
    shared.each_below(&world, COUNT).await?;
    for (own, plain) in receivers {
        own.in_order_below(&world, COUNT).await?;
        plain.unbind().await;
        own.ends(&world).await?;
    }
    for member in &members {
        member.unbind().await;
    }
    shared.ends(&world).await?;
    drop(conduits);
    bystander.close().await;
    Ok(())
}

/// Queue bindings of one instance share the work: a message goes to one of them, and none is left
/// out.
///
/// # Errors
/// What does not hold.
pub async fn local_queue_bindings_share_the_work<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 1_000;
    let rule = Guarantee::Queue;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let mut bindings = Vec::new();
    for _ in 0..2 {
        bindings.push(rule.expect("queue_bind", receiver.queue_bind("jobs").await)?);
    }
    send_numbers(rule, &sender, "receiver", "jobs", COUNT).await?;
    let waiting = || bindings.iter().map(|binding| binding.waiting() as u64).sum::<u64>();
    let what = || format!("{} of {COUNT} messages arrived", waiting());
    world.eventually(rule, what, || waiting() >= COUNT).await?;
    for binding in &bindings {
        rule.ensure(binding.waiting() > 0, || "one of two idle bindings got nothing".to_owned())?;
    }
    let tally = Tally::new(rule);
    let workers = bindings.into_iter().map(|binding| tally.handle(binding));
    let workers: Vec<_> = workers.collect();
    tally.each_below(&world, COUNT).await?;
    for worker in &workers {
        worker.unbind().await;
    }
    tally.ends(&world).await
}

/// Two `bind`s of one instance each get the whole body, whatever its size.
///
/// # Errors
/// What does not hold.
pub async fn local_binds_each_get_the_body<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Broadcast;
    let sender = world.patient_conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let mut bindings = Vec::new();
    for _ in 0..2 {
        bindings.push(rule.expect("bind", receiver.bind("files").await)?);
    }
    let readers: Vec<_> = bindings
        .into_iter()
        .map(|mut binding| {
            world.run(async move {
                let mut lengths = Vec::new();
                while lengths.len() < 4 {
                    let message = binding.next().await.ok_or("the binding ended")?;
                    let body = message.to_bytes().await.map_err(|_| "it cannot be read")?;
                    let whole = body.iter().copied().eq(pattern(body.len()));
                    lengths.push(if whole { body.len() } else { usize::MAX });
                }
                Ok::<_, &str>(lengths)
            })
        })
        .collect();
    let sizes = [10, 0, 300_000, 20_000];
    for size in sizes {
        let body: Vec<u8> = pattern(size).collect();
        let sent = sender.service("receiver").send_body("files", body).expect(2);
        rule.expect("send", sent.await)?;
    }
    for reader in readers {
        let lengths = rule.expect("receive", reader.await)?;
        rule.ensure(lengths == sizes, || format!("bodies of {sizes:?} bytes came as {lengths:?}"))?;
    }
    Ok(())
}

/// `bind_once` takes one message, the first, also out of a burst.
///
/// # Errors
/// What does not hold.
pub async fn bind_once_takes_one<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 200;
    let rule = Guarantee::Broadcast;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let all = Tally::new(rule);
    let plain = all.handle(rule.expect("bind", receiver.bind("news").await)?);
    let once = Tally::new(rule);
    let mut workers = Vec::new();
    for _ in 0..3 {
        let binding = rule.expect("bind_once", receiver.bind_once("news").await)?;
        workers.push(once.handle(binding));
    }
    send_numbers(rule, &sender, "receiver", "news", COUNT).await?;
    all.in_order_below(&world, COUNT).await?;
    for worker in &workers {
        let first = once.next(&world).await?;
        rule.ensure(first == 0, || format!("message {first} was taken instead of the first"))?;
        rule.ensure(!worker.is_bound(), || "it is bound after it took its message".to_owned())?;
    }
    plain.unbind().await;
    once.ends(&world).await
}

/// Bytes that differ from their neighbours.
fn pattern(length: usize) -> impl Iterator<Item = u8> {
    (0..=250).cycle().take(length)
}

/// Sends each number below a count.
async fn send_numbers(
    rule: Guarantee,
    from: &conduit::Conduit<Number>,
    to: &str,
    subject: &str,
    count: u64,
) -> Result<(), Violation> {
    let service = from.service(to);
    for number in 0..count {
        rule.expect("send", service.send(subject, &number).await)?;
    }
    Ok(())
}
