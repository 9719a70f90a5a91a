//! Conduit over RabbitMQ, beside lapin alone, which publishes the same packets to such an exchange and
//! takes them from such queues: with publisher confirms, and for groups with acknowledgements.
//!
//! `cargo bench -p conduit-rabbitmq -- --help` says what can be chosen.

mod bare;
mod one_way;
mod requests;
mod streams;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use std::process::ExitCode;

use conduit_bench::{Bench, Goal, Options, Under};

use self::{support::Node, world::World};

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
    let node = Node::start("");
    // The runtime that lapin uses by default.
    let world = World::new(Under::tokio(), node.port());
    one_way::run(&mut bench, &world);
    requests::run(&mut bench, &world);
    streams::run(&mut bench, &world);
    bench.end(&GOALS)
}
