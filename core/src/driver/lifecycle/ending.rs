//! The main tasks of a conduit, and its end when they are dropped.

use std::sync::Arc;

use futures_lite::future;

use crate::driver::Shared;
use crate::driver::ground::Stage;

/// Ends the conduit when the task that holds this ends, or is dropped by the runtime.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Shared {
    pub(in crate::driver) fn launch(self: &Arc<Self>) {
        // Each task has its guard before it is polled: a runtime may drop a task that never ran.
        let ending = || EndOnDrop(Arc::clone(self));
        self.runtime.spawn(self.tasks.spawner(Arc::clone(&self.runtime), ending()));
        let timers = ending();
        self.tasks.spawn(async move {
            let EndOnDrop(shared) = &timers;
            future::or(shared.timers.run(&*shared.runtime), shared.closed()).await;
        });
        let looking = ending();
        self.tasks.spawn(async move {
            let EndOnDrop(shared) = &looking;
            let alive = Arc::clone(shared).keep_alive();
            let requests = future::zip(alive, shared.refuse_overdue());
            let others = future::zip(shared.log_repeats(), shared.tidy());
            let all = async {
                future::zip(requests, others).await;
            };
            future::or(all, shared.closed()).await;
        });
        let life = ending();
        self.tasks.spawn(async move {
            let EndOnDrop(shared) = &life;
            shared.run().await;
        });
    }

    /// Ends every operation that waits for this conduit. After [`run`](Self::run) little is left;
    /// if the runtime has shut down, nothing else would end them.
    fn end(self: &Arc<Self>) {
        if !self.lifecycle.enter(Stage::Closed) {
            return;
        }
        self.clear_outbox();
        self.tasks.close();
        self.timers.stop();
        self.end_bindings();
        self.end_serving();
        self.end_streams();
        self.end_requests();
        self.ended.notify(usize::MAX);
        self.log_last_repeats();
    }
}
