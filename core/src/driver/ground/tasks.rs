//! The tasks of a conduit. One of them spawns all others, so that the runtime's context is needed
//! in only one place.
//!
//! Since runtimes drop tasks, dropping a task ends every operation that waits for it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_channel::{Receiver, Sender};

use crate::{Runtime, Task};

pub(crate) struct Tasks {
    // Bounded by the limits of bindings, handlers and open bodies, which spawn the tasks.
    queue: Sender<Task>,
    spawned: Receiver<Task>,
    live: Arc<AtomicUsize>,
}

/// The tasks that wait to be spawned. Dropped with the spawning task and not with the conduit, to
/// which waiting tasks may hold a reference.
struct Unspawned(Receiver<Task>);

impl Drop for Unspawned {
    fn drop(&mut self) {
        self.0.close();
        while let Ok(task) = self.0.try_recv() {
            drop(task);
        }
    }
}

/// Counts a task until it ends or is dropped.
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

    /// Returns the task that spawns the others. It ends when these `Tasks` are closed, and keeps
    /// `held` until then.
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

    /// Runs a task to completion. After `close` it is dropped instead.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.live.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.live));
        let task = Box::pin(async move {
            let _counted = counted;
            task.await;
        });
        // Fails only if closed: the conduit is being torn down.
        self.queue.try_send(task).ok();
    }

    /// Returns how many of the spawned tasks have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }
}
