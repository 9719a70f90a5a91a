//! Conduit over NATS, beside async-nats.
//!
//! `cargo bench -p conduit-nats -- --help` says what can be chosen.

mod memory;
mod one_way;
mod requests;
mod streams;
#[path = "../../tests/support/mod.rs"]
mod support;
mod values;
mod world;

use conduit_bench::{Bench, Options, Under};

use self::{support::Server, world::World};

fn main() {
    let mut bench = Bench::new(Options::from_args());
    let server = Server::start();
    for under in [Under::tokio(), Under::Smol] {
        let world = World::new(under, server.url());
        one_way::run(&mut bench, &world);
        requests::run(&mut bench, &world);
        values::run(&mut bench, &world);
        streams::run(&mut bench, &world);
        memory::run(&mut bench, &world);
    }
}
