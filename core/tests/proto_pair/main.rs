//! Both halves of a body against each other, on a virtual clock, over a link that misbehaves.

mod bodies;
mod chaos;
mod ending;
mod flow;
mod joining;
mod lost;
mod pair;

use std::time::Duration;

use conduit::proto::Reason;

use self::pair::{Dice, Pair, Setup};

const MINUTE: Duration = Duration::from_secs(60);

fn seeded(seed: u64) -> Dice {
    let mut rng = fastrand::Rng::with_seed(seed);
    Box::new(move |sides| rng.u64(..sides))
}

fn pair(setup: Setup) -> Pair {
    Pair::new(setup, seeded(7))
}

/// The setup as it is, and with its producer cut in other pieces.
fn cuts(setup: &Setup) -> Vec<Setup> {
    let small = setup.body.len() <= 3 * Setup::CHUNK;
    let finest = if small { 1 } else { 211 };
    [vec![Setup::CHUNK], vec![finest], vec![4096, 1, 100, 7, 16_000]]
        .into_iter()
        .map(|pieces| Setup { pieces, ..setup.clone() })
        .collect()
}

/// What each receiver got, in the order of instances and bindings.
fn results(pair: &Pair) -> Vec<Result<(), Reason>> {
    let outcome = pair.outcome().expect("the sender has ended");
    let deliveries = outcome.deliveries.iter();
    deliveries.map(|delivery| delivery.result.clone()).collect()
}

/// Runs until everybody has everything.
fn run_whole(mut pair: Pair, receivers: usize) -> Pair {
    pair.run(5 * MINUTE);
    assert_eq!(results(&pair), vec![Ok(()); receivers]);
    assert_eq!(pair.ports().filter(|port| port.end == Some(Ok(()))).count(), receivers);
    pair
}
