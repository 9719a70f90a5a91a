//! Starts, drains and ends a conduit.

mod ending;

use std::sync::Arc;

use futures_lite::future;

use super::{
    Shared,
    describe::answer_last_questions,
    ground::{EventFields, Ground, Logged, Stage},
    inbox,
};
use crate::{accept::Gate, error::Causes, until::until};

/// Starts a conduit.
pub(crate) fn start(ground: Ground, gate: Gate) -> Arc<Shared> {
    let shared = Arc::new(Shared::new(ground, gate));
    ending::launch(&shared);
    shared
}

/// Runs a conduit, until only its end remains.
async fn run(shared: &Shared) {
    let outbox = async {
        future::zip(shared.run_outbox(), shared.handing_on.run()).await;
        // The outbox may have left something there.
        shared.close_send_buffer();
    };
    let outbox = async {
        future::zip(outbox, shared.run_send_buffer()).await;
    };
    let service = async {
        future::or(inbox::serve(shared), drain(shared)).await;
        // First, so that no handler takes another message after being aborted. Without a drain,
        // new bindings may still be added: those end below.
        shared.routes.end();
        shared.lifecycle.enter(Stage::Closing);
        end_work(shared);
        // Messages routed here before are refused, which needs the outbox.
        let is_quiet = || {
            shared.routes.len().0 == 0
                && shared.streams.open() == (0, 0)
                && !shared.work.is_giving_back()
                && shared.work.handlers() == 0
        };
        until(&shared.ended, is_quiet).await;
        answer_last_questions(shared);
        shared.close_outbox();
        shared.handing_on.close();
    };
    let limit = async {
        shared.closing().await;
        shared.sleep_until(shared.now() + shared.config.close_timeout).await;
    };
    let all = async {
        future::zip(outbox, service).await;
    };
    future::or(all, limit).await;
    let flush = async {
        if let Err(error) = shared.transport.flush().await {
            shared.log(Logged::NotFlushed, EventFields::error(&Causes(&error)));
        }
    };
    let limit = || shared.sleep_until(shared.now() + shared.config.close_timeout);
    future::or(flush, limit()).await;
    future::or(shared.transport.close(), limit()).await;
}

/// Ends everything that is in progress.
fn end_work(shared: &Shared) {
    shared.routes.end();
    shared.serving.end();
    shared.streams.end();
    shared.requests.end();
}

/// Waits for a drain to start, then refuses new work, and waits until work in progress has ended or
/// the limit has passed.
async fn drain(shared: &Shared) {
    shared.lifecycle.reached(Stage::Draining).await;
    shared.routes.leave_all();
    let is_idle = || {
        shared.routes.len().0 == 0
            && !has_messages(shared)
            && shared.serving.len() == 0
            && shared.requests.len() == 0
            && shared.streams.open() == (0, 0)
    };
    future::or(until(&shared.ended, is_idle), shared.limit_passed()).await;
}

/// Returns whether messages wait, are being handled, or are being given back. Refused requests and
/// streams do not count: a drain checks for open ones after this.
fn has_messages(shared: &Shared) -> bool {
    // A message that waited a moment ago may be counted by now, so the counters are checked last.
    // Checking them first saves looking into every binding.
    shared.work.is_busy() || shared.routes.has_waiting() || shared.work.is_busy()
}

/// Closes a conduit, since its last handle was dropped. Handlers do not keep it open, so this is
/// logged if any are bound.
pub(crate) fn release(shared: &Shared) {
    const NAMED: usize = 3;
    if shared.check_running().is_ok() {
        let bound = shared.routes.bound_subjects();
        if !bound.is_empty() {
            tracing::info!(
                target: "conduit::conduit",
                service = %shared.source.service,
                instance = %shared.source.instance,
                handlers = bound.len(),
                subjects = ?&bound[..bound.len().min(NAMED)],
                "the last handle of a conduit was dropped: it closes, and its handlers end",
            );
        }
    }
    shared.start_drain(shared.config.close_timeout);
}
