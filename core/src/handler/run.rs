//! The loop that runs a function on the messages of a binding.

use std::{
    any::Any,
    error::Error as StdError,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures_lite::{FutureExt, future};

use super::{Handler, HandlerOutput, report, sealed::Sealed, slots::Slots};
use crate::{
    Encoder, Message,
    driver::{Bound, Shared},
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
    mut function: F,
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
    handle.shared().tasks.spawn(async move {
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
                let handling = handle_one(Arc::clone(&shared), duties, handling);
                if concurrency == 1 {
                    handling.await;
                } else {
                    shared.tasks.spawn(async move {
                        handling.await;
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
async fn handle_one(shared: Arc<Shared>, duties: Duties, running: impl Future<Output = Outcome>) {
    let Duties { subject, replier, deadline, handling } = duties;
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
    let (reason, detail) = match outcome {
        Some(Ok(None)) => return drop(handling),
        // What a handler fails with that has no time left is most often just that.
        None | Some(Ok(Some(_))) if deadline.is_some_and(|at| shared.now() >= at) => {
            tracing::debug!(%subject, "a handler has run out of time");
            (ReasonCode::Deadline.into(), Detail::default())
        }
        None => {
            tracing::debug!(%subject, "a handler was stopped");
            // Where the conduit closes, others tell the asker too: whoever comes first says the same.
            let closes = shared.check_open().is_err();
            let code = if closes { ReasonCode::Closed } else { ReasonCode::Cancelled };
            (code.into(), Detail::default())
        }
        Some(Ok(Some(error))) => {
            tracing::warn!(%subject, %error, "a handler failed");
            report::of_error(&*error)
        }
        Some(Err(panic)) => {
            let text = report::panic_text(&*panic);
            tracing::error!(%subject, panic = text, "a handler panicked");
            (Reason::new(ReasonCode::Panicked, text), Detail::default())
        }
    };
    if let Some(replier) = replier {
        replier.fail(reason, detail);
    }
    drop(handling);
}
