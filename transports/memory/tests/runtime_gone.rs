//! Runtimes that are dropped under a living conduit.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Instant,
};

use conduit::{Conduit, Runtime, Task};
use conduit_conformance::{Broker, Number, Violation, World, everything_ends};
use conduit_memory::Memory;
use conduit_smol::Smol;
use conduit_tokio::TokioHandle;
use smol::Executor;
use tokio::runtime::{self, Builder};

struct InMemory(Memory);

impl Broker for InMemory {
    type Transport = Memory;

    async fn start() -> Self {
        Self(Memory::new())
    }

    async fn connect(&self) -> Memory {
        self.0.clone()
    }
}

async fn conduits(
    world: &World<InMemory>,
    runtime: &(impl Runtime + Clone),
) -> [Conduit<Number>; 2] {
    let build = async |service| {
        let builder = world.builder(service).await.runtime(runtime.clone());
        builder.build().expect("limits at their defaults are valid")
    };
    [build("doomed").await, build("draining").await]
}

async fn dropped(world: Arc<World<InMemory>>, tokio: runtime::Runtime) -> Result<(), Violation> {
    let handle = TokioHandle::from(tokio.handle().clone());
    let [doomed, draining] = conduits(&world, &handle).await;
    everything_ends(&world, &doomed, &draining, || drop(tokio)).await?;
    let [late, later] = conduits(&world, &handle).await;
    late.bind("x").await.map(drop).expect_err("its runtime is gone");
    later.close().await;
    Ok(())
}

#[test]
fn of_tokio_with_several_threads() -> Result<(), Violation> {
    smol::block_on(conduit_conformance::run(Smol, |world| async {
        let tokio = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        dropped(world, tokio.expect("tokio starts")).await
    }))
}

#[test]
fn of_tokio_with_one_thread() -> Result<(), Violation> {
    smol::block_on(conduit_conformance::run(Smol, |world| async move {
        let tokio = Builder::new_current_thread().enable_all().build().expect("tokio starts");
        // It runs while something is inside of its `block_on`.
        let (end, ended) = async_channel::bounded::<()>(1);
        let handle = TokioHandle::from(tokio.handle().clone());
        let running = thread::spawn(move || tokio.block_on(ended.recv()).ok());
        let [doomed, draining] = conduits(&world, &handle).await;
        let end = || {
            drop(end);
            running.join().expect("it does not panic");
        };
        everything_ends(&world, &doomed, &draining, end).await
    }))
}

/// It never ran, so that no task was ever polled.
#[test]
fn of_tokio_before_it_runs() -> Result<(), Violation> {
    smol::block_on(conduit_conformance::run(Smol, |world: Arc<World<InMemory>>| async move {
        let tokio = Builder::new_current_thread().enable_all().build().expect("tokio starts");
        let handle = TokioHandle::from(tokio.handle().clone());
        let [bound, closed] = conduits(&world, &handle).await;
        let binding = world.run(async move { bound.bind("x").await.map(drop) });
        let closing = world.run(async move { closed.close().await });
        drop(tokio);
        assert!(binding.await.is_err_and(|error| error.kind() == conduit::ErrorKind::Closed));
        closing.await;
        Ok(())
    }))
}

/// An executor of one's own.
#[derive(Clone)]
struct Own(Weak<Executor<'static>>);

impl Runtime for Own {
    fn spawn(&self, task: Task) {
        if let Some(executor) = self.0.upgrade() {
            executor.spawn(task).detach();
        }
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Smol.sleep_until(at)
    }

    fn now(&self) -> Instant {
        Smol.now()
    }
}

#[test]
fn of_ones_own() -> Result<(), Violation> {
    smol::block_on(conduit_conformance::run(Smol, |world| async move {
        let executor = Arc::new(Executor::new());
        let own = Own(Arc::downgrade(&executor));
        let (end, ended) = async_channel::bounded::<()>(1);
        let running = thread::spawn(move || smol::block_on(executor.run(ended.recv())).ok());
        let [doomed, draining] = conduits(&world, &own).await;
        let end = || {
            drop(end);
            running.join().expect("it does not panic");
        };
        everything_ends(&world, &doomed, &draining, end).await
    }))
}
