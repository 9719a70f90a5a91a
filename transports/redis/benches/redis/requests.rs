//! Requests of 128 bytes, and replies of as many.

use conduit::transport::{Destination, Targets, Transport};
use conduit_bench::{Bench, Latencies, Quantity, Unit, in_flight, requests};

use crate::world::{World, inbox, next, publish, subject, subscribe};

const SIZE: usize = 128;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    for (name, at_once, count) in
        [("request, 1 in flight", 1, 2_000), ("request, 64 in flight", 64, 20_000)]
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

/// The same packets: one to the group by the script, one back to the inbox. Answers come in order.
fn theirs(world: &World, at_once: usize, count: u64) -> [f64; 2] {
    let (asker, answerer) = (world.redis(), world.redis());
    let group = subject(Targets::Group);
    let (mut jobs, answerer) = world.under.run(async move {
        let jobs = subscribe(&answerer, &group).await;
        (jobs, answerer)
    });
    let (mut replies, asker) = world.under.run(async move {
        let replies = subscribe(&asker, &inbox(1)).await;
        (replies, asker)
    });
    let answering = world.under.spawn(async move {
        let to = Destination::new(inbox(1));
        for _ in 0..count {
            let packet = next(&mut jobs).await;
            publish(&answerer, &to, packet).await;
        }
        // A member that stays would take a part of the next round's.
        drop(jobs);
        answerer.flush().await.expect("a connection");
    });
    let (waiting, answered) = async_channel::bounded(at_once);
    drop(world.under.spawn(async move {
        for _ in 0..count {
            assert_eq!(next(&mut replies).await.len(), SIZE);
            waiting.send(()).await.ok();
        }
    }));
    let asker = std::sync::Arc::new((asker, Destination::new(subject(Targets::Both))));
    let latencies = in_flight(&world.under, count, at_once, move || {
        let (asker, answered) = (std::sync::Arc::clone(&asker), answered.clone());
        async move {
            publish(&asker.0, &asker.1, vec![7; SIZE].into()).await;
            answered.recv().await.ok();
        }
    });
    world.under.run(answering);
    of(latencies)
}

fn of(latencies: Latencies) -> [f64; 2] {
    [latencies.rate, latencies.mean]
}
