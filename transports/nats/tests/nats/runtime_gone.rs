//! Runtimes that are dropped under a living conduit, or under its client.

use std::sync::Arc;

use conduit::{Conduit, Runtime};
use conduit_conformance::{Broker, Number, Violation, World, everything_ends};
use conduit_smol::Smol;
use conduit_tokio::TokioHandle;
use tokio::runtime::{self, Builder};

use crate::support::RealServer;

fn tokio() -> runtime::Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("tokio starts")
}

/// Two conduits in a runtime, with connections that another one keeps.
fn conduits(
    world: &World<RealServer>,
    clients: &runtime::Runtime,
    runtime: &(impl Runtime + Clone),
) -> [Conduit<Number>; 2] {
    ["doomed", "draining"].map(|service| {
        let builder = Conduit::builder(service).runtime(runtime.clone()).encoder(Number);
        let builder = builder.transport(clients.block_on(world.broker().connect()));
        builder.build().expect("limits at their defaults are valid")
    })
}

/// Runs a check in no context of tokio's.
fn outside<F>(check: fn(Arc<World<RealServer>>) -> F) -> Result<(), Violation>
where
    F: Future<Output = Result<(), Violation>> + Send,
{
    smol::block_on(conduit_conformance::run(Smol, check))
}

#[test]
fn of_the_conduit_and_its_client() -> Result<(), Violation> {
    outside(|world| async move {
        let tokio = tokio();
        let handle = TokioHandle::from(tokio.handle().clone());
        let [doomed, draining] = conduits(&world, &tokio, &handle);
        everything_ends(&world, &doomed, &draining, || drop(tokio)).await
    })
}

#[test]
fn of_the_conduit() -> Result<(), Violation> {
    outside(|world| async move {
        let (clients, tokio) = (tokio(), tokio());
        let handle = TokioHandle::from(tokio.handle().clone());
        let [doomed, draining] = conduits(&world, &clients, &handle);
        everything_ends(&world, &doomed, &draining, || drop(tokio)).await
    })
}

#[test]
fn of_the_client_beside_smol() -> Result<(), Violation> {
    outside(|world| async move {
        let clients = tokio();
        let [doomed, draining] = conduits(&world, &clients, &Smol);
        everything_ends(&world, &doomed, &draining, || drop(clients)).await
    })
}

#[test]
fn of_the_client_beside_another_tokio() -> Result<(), Violation> {
    outside(|world| async move {
        let (clients, tokio) = (tokio(), tokio());
        let handle = TokioHandle::from(tokio.handle().clone());
        let [doomed, draining] = conduits(&world, &clients, &handle);
        everything_ends(&world, &doomed, &draining, || drop(clients)).await
    })
}
