//! The main tasks of a conduit, and its end when they are dropped.

use std::sync::Arc;

use futures_lite::future;

use super::{end_work, run};
use crate::{
    driver::{
        Shared, cleanup::clean_up, describe::answer_questions, ground::Stage,
        overdue::refuse_overdue,
    },
    transport::Introduction,
};

/// Ends the conduit when the task that holds this ends, or is dropped by the runtime.
struct EndConduitOnDrop(Arc<Shared>);

impl Drop for EndConduitOnDrop {
    fn drop(&mut self) {
        end(&self.0);
    }
}

pub(super) fn launch(shared: &Arc<Shared>) {
    // Each task has its guard before it is polled: a runtime may drop a task that never ran.
    let ending = || EndConduitOnDrop(Arc::clone(shared));
    shared.runtime.spawn(shared.tasks.spawner(Arc::clone(&shared.runtime), ending()));
    let timers = ending();
    shared.tasks.spawn(async move {
        let EndConduitOnDrop(shared) = &timers;
        future::or(shared.timers.run(&*shared.runtime), shared.closed()).await;
    });
    let looking = ending();
    shared.tasks.spawn(async move {
        let EndConduitOnDrop(shared) = &looking;
        let requests = future::zip(shared.serving.keep_alive(), refuse_overdue(shared));
        let others = future::zip(shared.log_repeats(), clean_up(shared));
        let others = future::zip(others, shared.connection.watch(shared));
        let others = future::zip(others, answer_questions(shared));
        let all = async {
            future::zip(requests, others).await;
        };
        future::or(all, shared.closed()).await;
    });
    if let Some(beside) = shared.transport.background(Introduction::new(Arc::clone(shared) as _)) {
        let shared = Arc::clone(shared);
        let tasks = Arc::clone(&shared);
        tasks.tasks.spawn(async move { future::or(beside, shared.closed()).await });
    }
    let life = ending();
    shared.tasks.spawn(async move {
        let EndConduitOnDrop(shared) = &life;
        run(shared).await;
    });
}

/// Ends every operation that waits for a conduit. After [`run`] little is left; if the runtime has
/// shut down, nothing else would end them.
fn end(shared: &Shared) {
    if !shared.lifecycle.enter(Stage::Closed) {
        return;
    }
    shared.clear_outbox();
    shared.clear_send_buffer();
    shared.tasks.close();
    shared.timers.stop();
    end_work(shared);
    shared.ended.notify(usize::MAX);
    shared.connection.end();
    shared.log_last_repeats();
}
