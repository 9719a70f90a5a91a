//! The loop that runs a function on the messages of a binding.

use std::{
    any::Any,
    error::Error as StdError,
    fmt::Display,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures_lite::{FutureExt, future};

use super::{
    HandlerOutput, Worker,
    report::{self, Report},
    sealed::Sealed,
    slots::Slots,
};
use crate::{
    Encoder, ErrorKind, Message, Subject,
    call::Duties,
    driver::{Bound, EventFields, Logged, Shared, Tally},
    error::{Causes, FailureMap, OneLine},
    handle::Handle,
    proto::{Detail, Reason, ReasonCode},
};

type Panic = Box<dyn Any + Send>;
/// The outcome of a handler: done, failed, or panicked.
type HandlerOutcome = Result<Option<Box<dyn StdError + Send + Sync>>, Panic>;

/// Runs a function on every message of a binding, on up to `concurrency` of them at the same time.
pub(crate) fn run<E, F, R>(
    bound: Bound,
    handle: &Handle<E>,
    concurrency: usize,
    failure_map: Option<FailureMap>,
    function: F,
) -> Worker
where
    E: Encoder,
    F: FnMut(Message<E>) -> R + Send + 'static,
    R: Future<Output: HandlerOutput> + Send + 'static,
{
    let bound = Arc::new(bound);
    let weak = handle.downgrade();
    let shared = Arc::clone(handle.shared());
    let running = Arc::clone(&bound);
    let handlers = Arc::new(shared.work.running_handlers());
    handle.shared().tasks.spawn(async move {
        // Dropped last: closing the conduit waits until all handlers have been dropped.
        let handlers = handlers;
        let mut function = function;
        // A single handler runs in this task, one message after the other.
        let slots = (concurrency > 1).then(|| Slots::new(concurrency));
        let work = async {
            loop {
                let slot = match &slots {
                    Some(slots) => Some(slots.take().await),
                    None => None,
                };
                let next = poll_fn(|cx| running.poll_next(cx));
                let Some(arrival) = next.await else { break };
                // Messages that have arrived are handled even if the last handle was dropped.
                let mut message = Message::received(weak.handle(), arrival);
                let duties = message.take_duties();
                let started = catch_unwind(AssertUnwindSafe(|| function(message)));
                // Boxed: the futures around it move it several times, and hold it twice each.
                let started =
                    started.map(|future| Box::pin(AssertUnwindSafe(future).catch_unwind()));
                let handling = async move { started?.await.map(Sealed::into_error) };
                let handler = Arc::clone(&shared);
                let Some(slot) = slot else {
                    let map = failure_map.as_ref();
                    let subject = (running.subject(), &**running.tally());
                    handle_one(handler, subject, duties, map, handling).await;
                    continue;
                };
                let (subject, tally) = (running.subject().clone(), Arc::clone(running.tally()));
                let (handlers, map) = (Arc::clone(&handlers), failure_map.clone());
                shared.tasks.spawn(async move {
                    let _handlers = handlers;
                    let subject = (&subject, &*tally);
                    handle_one(handler, subject, duties, map.as_ref(), handling).await;
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
    (subject, tally): (&Subject, &Tally),
    duties: Duties,
    failure_map: Option<&FailureMap>,
    running: impl Future<Output = HandlerOutcome>,
) {
    let Duties { source, replier, deadline, handling } = duties;
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
        let (subject, source) = (Some(subject), Some(&source));
        shared.log(event, EventFields { subject, source, error, ..EventFields::default() });
    };
    let panicked = |panic: &(dyn Any + Send)| {
        let text = report::panic_text(panic);
        log(Logged::HandlerPanicked, Some(&OneLine(text)));
        (Reason::new(ReasonCode::Panicked, text), Detail::default())
    };
    // Of a one-way message too, which has nobody to tell.
    let mut code = None;
    let failure = match outcome {
        Some(Ok(None)) => None,
        // A handler that fails after its deadline most often fails because of it.
        None | Some(Ok(Some(_))) if deadline.is_some_and(|at| shared.now() >= at) => {
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
        Some(Ok(Some(error))) => {
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
        Some(Err(panic)) => Some(panicked(&*panic)),
    };
    match code.or_else(|| failure.as_ref().map(|(reason, _)| reason.code)) {
        None => tally.finish(),
        Some(code) => tally.fail(ErrorKind::of(code)),
    }
    if let (Some(replier), Some((reason, detail))) = (replier, failure) {
        replier.fail(reason, detail);
    }
    drop(handling);
}
