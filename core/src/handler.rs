use std::{error::Error as StdError, fmt, panic::AssertUnwindSafe, sync::Arc};

use futures_lite::{FutureExt, future};

use crate::{
    Encoder, Error, ErrorKind, Executed, Message,
    conduit::Handle,
    driver::{Bound, Mailbox, Replier, Shared},
    proto::{Reason, ReasonCode},
};

/// A function that handles the messages of a binding. Dropping this changes nothing: the function
/// goes on until it is unbound or the conduit is closed.
pub struct Handler {
    bound: Arc<Bound>,
}

/// What a handler may return: nothing, or a result whose error can be boxed.
///
/// A request whose handler returns an error is answered with it: as
/// [`NotDecoded`](ErrorKind::NotDecoded) or [`TooLarge`](ErrorKind::TooLarge) where the error is
/// this library's own from decoding the message, else as [`HandlerFailed`](ErrorKind::HandlerFailed) with its text.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this handler returns `{Self}`",
    note = "a handler returns `()`, or a `Result<(), E>` whose `E` converts into `Box<dyn Error + Send + Sync>`",
    note = "a request is answered with `message.reply(..).await`, not by what its handler returns"
)]
pub trait HandlerOutput: sealed::Sealed {}

impl HandlerOutput for () {}
impl<E: Into<Box<dyn StdError + Send + Sync>>> HandlerOutput for Result<(), E> {}

use self::sealed::Sealed as _;

mod sealed {
    use std::error::Error as StdError;

    pub trait Sealed {
        /// What went wrong, if something did.
        fn into_error(self) -> Option<Box<dyn StdError + Send + Sync>>;
    }

    impl Sealed for () {
        fn into_error(self) -> Option<Box<dyn StdError + Send + Sync>> {
            None
        }
    }

    impl<E: Into<Box<dyn StdError + Send + Sync>>> Sealed for Result<(), E> {
        fn into_error(self) -> Option<Box<dyn StdError + Send + Sync>> {
            self.err().map(Into::into)
        }
    }
}

impl Handler {
    /// Asks the broker to route nothing more here, and returns when it has done so and everything
    /// that it had routed has arrived; that is still handled. Where another
    /// binding of this conduit shares the subject, it returns at once. Unbinding twice is fine.
    ///
    /// Cancel safe: once begun, it goes on by itself.
    pub async fn unbind(&self) {
        self.bound.start_unbind();
        self.bound.mailbox.completed().await;
    }

    /// Whether it was not unbound.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.bound.is_bound()
    }

    /// How many one-way messages were dropped because the binding was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bound.mailbox.lost.get()
    }

    /// How many messages wait to be handled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bound.mailbox.waiting()
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("is_bound", &self.is_bound()).finish_non_exhaustive()
    }
}

/// Runs a function on every message of a binding, in a task of its own.
pub(crate) fn run<E, F, R>(
    bound: Bound,
    handle: &Handle,
    encoder: Arc<E>,
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
        while let Some(arrival) = next(&running.mailbox).await {
            // Nobody keeps the conduit open any more: it is closing.
            let Some(handle) = weak.upgrade() else { break };
            let replier = arrival.replier.clone();
            let message = Message::received(handle, Arc::clone(&encoder), arrival);
            handle_one(&shared, replier.as_deref(), message, &mut function).await;
        }
        // The user may keep the `Handler`; nobody reads any more.
        drop(running.mailbox.abandon());
    });
    Handler { bound }
}

async fn next(mailbox: &Mailbox) -> Option<crate::driver::Arrival> {
    std::future::poll_fn(|cx| mailbox.poll_next(cx)).await
}

/// Runs the function on one message, until it is done, cancelled, or the conduit is closed.
async fn handle_one<E, F, R>(
    shared: &Shared,
    replier: Option<&Replier>,
    message: Message<E>,
    function: &mut F,
) where
    E: Encoder,
    F: FnMut(Message<E>) -> R,
    R: Future<Output: HandlerOutput>,
{
    let subject = message.subject().clone();
    let handling = AssertUnwindSafe(async { function(message).await.into_error() }).catch_unwind();
    let cancelled = async {
        match replier {
            Some(replier) => replier.cancelled().await,
            None => future::pending().await,
        }
        None
    };
    let closed = async {
        shared.closed().await;
        None
    };
    let outcome = future::or(async { Some(handling.await) }, future::or(cancelled, closed)).await;
    let reason = match outcome {
        None => return tracing::debug!(%subject, "a handler was cancelled"),
        Some(Ok(None)) => return,
        Some(Ok(Some(error))) => {
            tracing::warn!(%subject, %error, "a handler failed");
            reason_of(&*error)
        }
        Some(Err(panic)) => {
            let text = panic_text(&*panic);
            tracing::error!(%subject, panic = text, "a handler panicked");
            Reason::new(ReasonCode::Panicked, text)
        }
    };
    if let Some(replier) = replier {
        replier.fail(reason);
    }
}

fn reason_of(error: &(dyn StdError + Send + Sync + 'static)) -> Reason {
    // What was wrong with a reply to the handler says that somebody else was executed.
    let own = error
        .downcast_ref::<Error>()
        .filter(|error| error.executed() == Executed::No)
        .map(Error::kind);
    let code = match own {
        Some(ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText) => {
            ReasonCode::NotDecoded
        }
        Some(ErrorKind::TooLarge) => ReasonCode::TooLarge,
        _ => ReasonCode::HandlerFailed,
    };
    Reason::new(code, error.to_string())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
