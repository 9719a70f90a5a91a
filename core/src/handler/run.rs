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
    Handler, HandlerOutput,
    report::{self, Report},
    sealed::Sealed,
    slots::Slots,
};
use crate::{
    Encoder, Message, Subject,
    driver::{Bound, Logged, Seen, Shared},
    error::{Causes, OneLine},
    handle::Handle,
    message::Duties,
    proto::{Detail, Reason, ReasonCode},
};

type Panic = Box<dyn Any + Send>;
/// What became of a handler: done, failed, or panicked.
type Outcome = Result<Option<Box<dyn StdError + Send + Sync>>, Panic>;

/// Runs a function on every message of a binding, on some of them at the same time.
pub(crate) fn run<E, F, R>(
    bound: Bound,
    handle: &Handle<E>,
    concurrency: usize,
    function: F,
) -> Handler
where
    E: Encoder,
    F: FnMut(Message<E>) -> R + Send + 'static,
    R: Future<Output: HandlerOutput> + Send + 'static,
{
    let bound = Arc::new(bound);
    let weak = handle.downgrade();
    let shared = Arc::clone(handle.shared());
    let running = Arc::clone(&bound);
    let handlers = Arc::new(shared.running_handlers());
    handle.shared().tasks.spawn(async move {
        // Dropped last: what closes the conduit waits until nothing of the handlers is left.
        let handlers = handlers;
        let mut function = function;
        let slots = Slots::new(concurrency);
        let work = async {
            loop {
                let slot = slots.take().await;
                let next = poll_fn(|cx| running.poll_next(cx));
                let Some(arrival) = next.await else { break };
                // Where nobody keeps the conduit open any more, what is here is handled all the same.
                let mut message = Message::received(weak.handle(), arrival);
                let duties = message.take_duties();
                let started = catch_unwind(AssertUnwindSafe(|| function(message)));
                // In a box: what is around it moves it several times, and holds it twice each time.
                let started =
                    started.map(|future| Box::pin(AssertUnwindSafe(future).catch_unwind()));
                let handling = async move { started?.await.map(Sealed::into_error) };
                let handler = Arc::clone(&shared);
                if concurrency == 1 {
                    handle_one(handler, running.subject(), duties, handling).await;
                } else {
                    let subject = running.subject().clone();
                    let handlers = Arc::clone(&handlers);
                    shared.tasks.spawn(async move {
                        let _handlers = handlers;
                        handle_one(handler, &subject, duties, handling).await;
                        drop(slot);
                    });
                }
            }
        };
        future::or(work, shared.closing()).await;
        // The user may keep the `Handler`; nobody reads any more.
        running.abandon();
    });
    Handler { bound }
}

/// Runs a handler until it is done, or its asker does not need it any more, or the conduit closes.
async fn handle_one(
    shared: Arc<Shared>,
    subject: &Subject,
    duties: Duties,
    running: impl Future<Output = Outcome>,
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
        shared.log(event, Seen { subject, source, error, ..Seen::default() });
    };
    let panicked = |panic: &(dyn Any + Send)| {
        let text = report::panic_text(panic);
        log(Logged::HandlerPanicked, Some(&OneLine(text)));
        (Reason::new(ReasonCode::Panicked, text), Detail::default())
    };
    let failure = match outcome {
        Some(Ok(None)) => None,
        // What a handler fails with that has no time left is most often just that.
        None | Some(Ok(Some(_))) if deadline.is_some_and(|at| shared.now() >= at) => {
            log(Logged::OutOfTime, None);
            Some((ReasonCode::Deadline.into(), Detail::default()))
        }
        None => {
            // Where the conduit closes, others tell the asker too: whoever comes first says the same.
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
                // What nobody has asked for is told to nobody.
                replier.is_some().then(|| report.told())
            };
            // What prints an error is the application's too.
            let failed = catch_unwind(AssertUnwindSafe(failed));
            failed.unwrap_or_else(|panic| Some(panicked(&*panic)))
        }
        Some(Err(panic)) => Some(panicked(&*panic)),
    };
    if let (Some(replier), Some((reason, detail))) = (replier, failure) {
        replier.fail(reason, detail);
    }
    drop(handling);
}
