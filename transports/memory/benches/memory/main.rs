//! Conduit over its in-process broker, beside a bounded channel.
//!
//! `cargo bench -p conduit-memory -- --help` says what can be chosen.

mod channel;
mod layers;
mod rates;
mod scaling;
mod serving;

use conduit_bench::{Bench, Options, Under};

fn main() {
    let mut bench = Bench::new(Options::from_args());
    for under in [Under::tokio(), Under::Smol] {
        rates::run(&mut bench, &under);
        serving::run(&mut bench, &under);
        layers::run(&mut bench, &under);
    }
    scaling::run(&mut bench, &Under::tokio());
}
