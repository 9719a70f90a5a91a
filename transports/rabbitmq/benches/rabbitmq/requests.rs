//! Requests of 128 bytes, and replies of as many.

use std::sync::Arc;

use conduit_bench::{Bench, Latencies, Quantity, Unit, in_flight, requests};

use crate::{bare::Confirms, world::World};

const SIZE: usize = 128;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, at_once, count) in
        [("request, 1 in flight", 1, 1_000), ("request, 64 in flight", 64, 10_000)]
    {
        let case = world.case(name);
        if !bench.wants(&case) {
            continue;
        }
        let count = bench.options().amount(count);
        let quantities =
            [Quantity::named("rate", Unit::PerSecond), Quantity::named("mean", Unit::Microseconds)];
        bench.case(&case, quantities, &mut || ours(world, at_once, count), &mut || {
            theirs(world, at_once, count)
        });
    }
}

fn ours(world: &World, at_once: usize, count: u64) -> [f64; 2] {
    let (asker, answerer) = (world.conduit("asker"), world.conduit("answerer"));
    of(requests(&world.under, [&asker, &answerer], at_once, SIZE, count))
}

/// The same packets: one to the group, which comes back if there is no member, and one to the inbox.
/// Answers come in order.
fn theirs(world: &World, at_once: usize, count: u64) -> [f64; 2] {
    let (asker, answerer) = (world.bare(Confirms::Yes), world.bare(Confirms::Yes));
    let mut replier = answerer.publisher("asker.inbox", false);
    let asks = asker.publisher("answerer.job", true);
    let (mut jobs, answerer) = world.under.run(async move {
        let jobs = answerer.join("answerer.job").await.expect("a queue");
        (jobs, answerer)
    });
    let (mut replies, asker) = world.under.run(async move {
        let replies = asker.subscribe("asker.inbox").await.expect("a queue");
        (replies, asker)
    });
    let answering = world.under.spawn(async move {
        for _ in 0..count {
            let packet = jobs.next().await;
            replier.publish(&packet).await;
        }
        replier.flush().await;
    });
    let (answers, answered) = async_channel::bounded(at_once);
    let hearing = world.under.spawn(async move {
        for _ in 0..count {
            assert_eq!(replies.next().await.len(), SIZE);
            answers.send(()).await.ok();
        }
    });
    let asks = Arc::new(asks);
    let latencies = in_flight(&world.under, count, at_once, move || {
        let (asks, answered) = (Arc::clone(&asks), answered.clone());
        async move {
            let confirmed = asks.send(&[7; SIZE]).await;
            answered.recv().await.expect("an answer");
            assert!(confirmed.await.expect("a connection").take_message().is_none());
        }
    });
    world.under.run(answering);
    world.under.run(hearing);
    drop((asker, answerer));
    of(latencies)
}

fn of(latencies: Latencies) -> [f64; 2] {
    [latencies.rate, latencies.mean]
}
