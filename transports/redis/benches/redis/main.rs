//! Conduit over Redis, beside its own connection alone, which sends the same commands and takes the
//! same replies, and beside commands written by hand.
//!
//! `cargo bench -p conduit-redis -- --help` says what can be chosen.

mod by_hand;
mod one_way;
mod requests;
mod streams;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use std::process::ExitCode;

use conduit_bench::{Bench, Goal, Options, Under};

use self::{support::Server, world::World};

/// What the ratios have to be, with medians of at least 11 rounds.
const GOALS: [Goal; 5] = [
    Goal::at_least("one-way 128 B, tokio", 0.8),
    Goal::at_least("one-way 16 KiB, tokio", 0.8),
    Goal::at_least("one-way 128 B to a group, tokio", 0.8),
    Goal::at_least("request, 64 in flight, tokio, rate", 0.8),
    Goal::at_least("stream to a queue member, tokio", 0.8),
];

fn main() -> ExitCode {
    let mut bench = Bench::new(Options::from_args());
    // What is measured is never too far behind.
    let server = Server::with(&["--client-output-buffer-limit", "pubsub", "0", "0", "0"]);
    by_hand::run(&mut bench, server.port());
    for under in [Under::tokio(), Under::Smol] {
        let world = World::new(under, server.url());
        one_way::run(&mut bench, &world);
        requests::run(&mut bench, &world);
        streams::run(&mut bench, &world);
    }
    bench.end(&GOALS)
}
