//! The loop that runs a function on the messages of a binding.

use std::{
    any::Any,
    fmt::Display,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use futures_lite::future;

use super::{HandlerOutput, Worker, function::Function, report::Report, slots::Slots};
use crate::{
    Encoder, ErrorKind, Message,
    call::Duties,
    driver::{Bound, EventFields, Logged, Record, Shared},
    error::{Causes, FailureMap, OneLine, panic_text},
    handle::Handle,
    layer::{Around, Handled},
    proto::{Detail, Reason, ReasonCode},
};

/// Runs a function on every message of a binding, on up to `concurrency` of them at the same time.
pub(crate) fn run<E, F, R>(
    bound: Bound,
    handle: &Handle<E>,
    concurrency: usize,
    failure_map: Option<FailureMap>,
    around: Around,
    function: F,
) -> Worker
where
    E: Encoder,
    F: FnMut(Message<E>) -> R + Send + 'static,
    R: Future<Output: HandlerOutput> + Send + 'static,
{
    bound.record().concurrency.store(concurrency, Ordering::Relaxed);
    let bound = Arc::new(bound);
    let weak = handle.downgrade();
    let shared = Arc::clone(handle.shared());
    let running = Arc::clone(&bound);
    let handlers = Arc::new(shared.work.running_handlers());
    handle.shared().tasks.spawn(async move {
        // Dropped last: closing the conduit waits until all handlers have been dropped.
        let handlers = handlers;
        let mut function = Function::new(function, &shared, &running, &around);
        // A single handler runs in this task, one message after the other.
        let slots = (concurrency > 1).then(|| Slots::new(concurrency));
        let (has_gate, may_refuse) = (!around.is_empty(), around.has_inbound());
        let work = async {
            loop {
                let slot = match &slots {
                    Some(slots) => Some(slots.take().await),
                    None => None,
                };
                let next = poll_fn(|cx| running.poll_next(cx));
                let Some(mut arrival) = next.await else { break };
                if has_gate && !running.admits(&mut arrival) {
                    continue;
                }
                // Layers may refuse what no handler has.
                if !may_refuse {
                    arrival.start();
                }
                // Messages that have arrived are handled even if the last handle was dropped.
                let mut message = Message::received(weak.handle(), arrival, around.clone());
                let duties = message.take_duties();
                running.record().tally.start();
                let handling = function.handle(message);
                let handler = Arc::clone(&shared);
                let Some(slot) = slot else {
                    let map = failure_map.as_ref();
                    handle_one(handler, running.record(), duties, map, handling).await;
                    continue;
                };
                let record = Arc::clone(running.record());
                let (handlers, map) = (Arc::clone(&handlers), failure_map.clone());
                shared.tasks.spawn(async move {
                    let _handlers = handlers;
                    handle_one(handler, &record, duties, map.as_ref(), handling).await;
                    drop(slot);
                });
            }
        };
        future::or(work, shared.closing()).await;
        // The user may keep the `Worker`, but nothing reads the binding any more.
        running.abandon();
    });
    Worker { bound }
}

/// Runs a handler until it completes, its reply is no longer needed, or the conduit closes.
async fn handle_one(
    shared: Arc<Shared>,
    record: &Record,
    duties: Duties,
    failure_map: Option<&FailureMap>,
    running: impl Future<Output = Handled>,
) {
    let Duties { source, replier, deadline, handling } = duties;
    // One-way messages are not timed: reading the clock twice costs a part of a small one.
    let began = replier.as_ref().map(|_| shared.now());
    let needless = async {
        match &replier {
            Some(replier) => replier.needless(deadline).await,
            None => future::pending().await,
        }
    };
    let stopped = async {
        future::or(needless, shared.closing()).await;
        None
    };
    let outcome = future::or(async { Some(running.await) }, stopped).await;
    let log = |event: Logged, error: Option<&dyn Display>| {
        let seen = EventFields { error, ..EventFields::about(&record.subject, &source, 0) };
        shared.log(event, seen);
    };
    let panicked = |panic: &(dyn Any + Send)| {
        let text = panic_text(panic);
        log(Logged::HandlerPanicked, Some(&OneLine(text)));
        (Reason::new(ReasonCode::Panicked, text), Detail::default())
    };
    let is_refused = matches!(outcome, Some(Handled::Refused(_)));
    // Of a one-way message too, whose sender is not told.
    let mut code = None;
    let failure = match outcome {
        Some(Handled::Done) => None,
        // Its layer has counted it.
        Some(Handled::Refused(refusal)) => Some((refusal.reason().clone(), Detail::default())),
        // A handler that fails after its deadline most often fails because of it.
        None | Some(Handled::Failed(_)) if deadline.is_some_and(|at| shared.now() >= at) => {
            log(Logged::OutOfTime, None);
            Some((ReasonCode::Deadline.into(), Detail::default()))
        }
        None => {
            // If the conduit closes, the driver tells the asker too; both give the same reason.
            let (event, code) = match shared.check_open() {
                Err(_) => (Logged::CutOffByClosing, ReasonCode::Closed),
                Ok(()) => (Logged::CutOffByAsker, ReasonCode::Cancelled),
            };
            log(event, None);
            Some((code.into(), Detail::default()))
        }
        Some(Handled::Failed(error)) => {
            let failed = || {
                let report = Report::of(&*error);
                log(report.event(), Some(&Causes(&*error)));
                // Only a request has an asker to tell.
                let maps = [failure_map, shared.config.failure_map.as_ref()];
                code = Some(report.code());
                replier.is_some().then(|| report.told(maps))
            };
            // Printing the error runs code of the application, which may panic too.
            let failed = catch_unwind(AssertUnwindSafe(failed));
            failed.unwrap_or_else(|panic| Some(panicked(&*panic)))
        }
        Some(Handled::Panicked(panic)) => Some(panicked(&*panic)),
    };
    match code.or_else(|| failure.as_ref().map(|(reason, _)| reason.code)) {
        None => record.tally.finish(),
        Some(code) if is_refused => record.tally.refuse(ErrorKind::of(code)),
        Some(code) => record.tally.break_off(ErrorKind::of(code)),
    }
    if let Some(began) = began.filter(|_| !is_refused) {
        record.tally.time(shared.now().saturating_duration_since(began));
    }
    if let (Some(replier), Some((reason, detail))) = (replier, failure) {
        replier.fail(reason, detail);
    }
    drop(handling);
}
