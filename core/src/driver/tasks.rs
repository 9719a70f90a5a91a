//! The tasks of a conduit. All of them are spawned by one of them, so that the runtime's own
//! context is needed in one place.
//!
//! Whatever others wait for is ended by the drop of the task that has it: runtimes drop tasks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_channel::{Receiver, Sender};

use crate::{Runtime, Task};

pub(crate) struct Tasks {
    // Bounded by what makes tasks: bindings, handlers and open bodies.
    queue: Sender<Task>,
    spawned: Receiver<Task>,
    live: Arc<AtomicUsize>,
}

/// What waits to be spawned. It is dropped with the task that spawns, and not with the conduit, which
/// what waits may hold on to.
struct Unspawned(Receiver<Task>);

impl Drop for Unspawned {
    fn drop(&mut self) {
        self.0.close();
        while let Ok(task) = self.0.try_recv() {
            drop(task);
        }
    }
}

/// Counts a task until it is gone, finished or not.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tasks {
    pub(crate) fn new() -> Self {
        let (queue, spawned) = async_channel::unbounded();
        Self { queue, spawned, live: Arc::default() }
    }

    /// The task that spawns the others. It ends when these `Tasks` are closed, and holds on to
    /// something until then.
    pub(crate) fn spawner(&self, runtime: Arc<dyn Runtime>, held: impl Send + 'static) -> Task {
        let unspawned = Unspawned(self.spawned.clone());
        Box::pin(async move {
            let _held = held;
            let unspawned = unspawned;
            while let Ok(task) = unspawned.0.recv().await {
                runtime.spawn(task);
            }
        })
    }

    /// Runs a task to its end. After `close` it is dropped instead.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.live.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.live));
        let task = Box::pin(async move {
            let _counted = counted;
            task.await;
        });
        // Closed: what it would have served is being torn down.
        self.queue.try_send(task).ok();
    }

    /// How many of the spawned tasks have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }
}
