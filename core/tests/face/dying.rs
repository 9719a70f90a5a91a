//! A runtime that drops its tasks one by one, and still polls those that it has not dropped.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use conduit::{Conduit, ErrorKind, Runtime, Task};
use conduit_json::Json;

use crate::support::{
    sim::Sim,
    world::{TestResult, World, secs},
};

/// A conduit's own tasks, which it spawns before all others.
const TASKS: usize = 4;
/// So long that only something else than the limit ends anything in time.
const LONG: Duration = secs(100_000);
/// More looks at the clock than a test needs: a loop that never waits makes them within one poll.
const LOOKS: u64 = 100_000;

/// A task, until it is dropped.
type Running = Arc<Mutex<Option<Task>>>;

struct Dying {
    sim: Sim,
    tasks: Mutex<Vec<Running>>,
    looks: AtomicU64,
}

impl Dying {
    fn drop_task(&self, at: usize) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let running = Arc::clone(&tasks[at]);
        drop(tasks);
        let task = running.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(task);
    }
}

impl Runtime for Dying {
    fn spawn(&self, task: Task) {
        let task = Arc::new(Mutex::new(Some(task)));
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&task));
        self.sim.spawn(Box::pin(poll_fn(move |cx| {
            let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
            let polled = task.as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(cx));
            if polled.is_ready() {
                *task = None;
            }
            polled
        })));
    }

    fn sleep_until(&self, at: Instant) -> Task {
        self.sim.sleep_until(at)
    }

    fn now(&self) -> Instant {
        assert!(self.looks.fetch_add(1, Ordering::Relaxed) < LOOKS, "a task spins");
        self.sim.now()
    }
}

fn one_task_is_dropped(at: usize) -> TestResult {
    World::run(|world| async move {
        let (tasks, looks) = (Mutex::default(), AtomicU64::new(0));
        let runtime = Arc::new(Dying { sim: world.sim.clone(), tasks, looks });
        let builder = Conduit::builder("a").runtime(Arc::clone(&runtime));
        let node = builder.transport(world.broker.clone()).encoder(Json).build()?;
        let peer = world.node("peer")?;
        let mut at_peer = peer.bind("x").await?;
        let _waiting = node.queue_bind("x").await?;
        let asking = world.sim.go(node.service("peer").request("x", &1).timeout(LONG));
        let asked = at_peer.next().await;
        let draining = world.sim.go({
            let node = node.clone();
            async move { node.drain(LONG).await }
        });
        world.sim.idle().await;

        let before = world.elapsed();
        runtime.drop_task(at);
        let error = asking.recv().await?.map(drop).expect_err("its conduit is gone");
        assert_eq!(error.kind(), ErrorKind::Closed);
        draining.recv().await?;
        assert!(world.elapsed() - before <= secs(1));
        drop(asked);
        world.sim.sleep(secs(60)).await;
        Ok(())
    })
}

#[test]
fn one_task_that_is_dropped_ends_everything_and_makes_no_other_spin() -> TestResult {
    (0..TASKS).try_for_each(one_task_is_dropped)
}
