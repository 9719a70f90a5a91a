//! Conduit over NATS, beside async-nats.
//!
//! `cargo bench -p conduit-nats -- --help` says what can be chosen.

mod events;
mod link;
mod lone;
mod memory;
mod one_way;
mod requests;
mod streams;
#[path = "../../tests/support/mod.rs"]
mod support;
mod typed;
mod values;
mod world;

use std::process::ExitCode;

use conduit_bench::{Bench, Goal, Options, Under};

use self::{support::Server, world::World};

/// What the ratios have to be, with medians of at least 11 rounds.
const GOALS: [Goal; 15] = [
    Goal::at_least("JSON events, tokio", 1.5),
    Goal::at_least("one-way 128 B, tokio", 1.5),
    Goal::at_least("one-way 16 B, tokio", 1.5),
    Goal::at_least("one-way 128 B, smol", 1.2),
    Goal::at_least("request, 64 in flight, tokio, rate", 1.2),
    Goal::at_least("request, 256 in flight, tokio, rate", 1.5),
    Goal::at_most("request, 1 in flight, tokio, mean", 1.05),
    Goal::at_most("request, 1 in flight, smol, mean", 1.25),
    Goal::at_least("stream to a receiver, tokio", 0.9),
    Goal::at_least("stream to a queue member, tokio", 0.9),
    Goal::at_least("stream as a reply, tokio", 0.9),
    Goal::at_least("one-way 16 KiB, tokio", 0.95),
    Goal::at_most("a lone message, tokio, mean", 1.3),
    Goal::at_most("a lone message, tokio, p99", 1.3),
    Goal::at_least("JSON events to 3, tokio", 1.5),
];

fn main() -> ExitCode {
    let mut bench = Bench::new(Options::from_args());
    let server = Server::start();
    for under in [Under::tokio(), Under::Smol] {
        let world = World::new(under, server.url());
        events::run(&mut bench, &world);
        one_way::run(&mut bench, &world);
        lone::run(&mut bench, &world);
        requests::run(&mut bench, &world);
        typed::run(&mut bench, &world);
        values::run(&mut bench, &world);
        streams::run(&mut bench, &world);
        memory::run(&mut bench, &world);
    }
    link::run(&mut bench, Under::tokio(), &server.url());
    bench.end(&GOALS)
}
