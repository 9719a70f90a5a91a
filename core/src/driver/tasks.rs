//! The tasks of a conduit. All of them are spawned by one of them, so that the runtime's own
//! context is needed in one place.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_channel::{Receiver, Sender};

use crate::{Runtime, Task};

pub(crate) struct Tasks {
    // Bounded by what makes tasks: bindings, handlers and open bodies.
    queue: Sender<Task>,
    live: Arc<AtomicUsize>,
}

/// Counts a task until it is gone, finished or not.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tasks {
    /// Starts the task that spawns the others. It ends when these `Tasks` are closed.
    pub(crate) fn start(runtime: &Arc<dyn Runtime>) -> Self {
        let (queue, spawned): (_, Receiver<Task>) = async_channel::unbounded();
        let spawner = Arc::clone(runtime);
        runtime.spawn(Box::pin(async move {
            while let Ok(task) = spawned.recv().await {
                spawner.spawn(task);
            }
        }));
        Self { queue, live: Arc::default() }
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
