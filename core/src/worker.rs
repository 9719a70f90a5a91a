mod function;
mod report;
mod run;
mod serve;
mod slots;

use std::{error::Error as StdError, fmt, sync::Arc};

pub(crate) use self::{
    run::run,
    serve::{serve, take},
};
use crate::driver::Bound;

/// A worker: a binding whose messages a function handles.
///
/// Dropping this handle has no effect: the worker runs until it is unbound or the conduit is closed.
///
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("math", Smol, Memory::new(), Json)?;
/// let worker = conduit.queue_bind("square").await?.serve(async |number: u64| {
///     Ok::<_, Error>(number * number)
/// });
/// let reply = conduit.own_service().request("square", &4).await?;
/// assert_eq!(reply.decode::<u64>().await?, 16);
///
/// worker.unbind().await; // dropping it would not unbind
/// assert!(!worker.is_bound());
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Worker {
    bound: Arc<Bound>,
}

/// The return types of a handler: `()`, or a result whose error can be boxed.
///
/// An error that a handler returns answers its request: as
/// [`NotDecoded`](crate::ErrorKind::NotDecoded) or [`TooLarge`](crate::ErrorKind::TooLarge) if it
/// is this library's error from decoding the message, else as
/// [`HandlerFailed`](crate::ErrorKind::HandlerFailed) with its text, and with the code and the
/// detail of a [`Failure`](crate::Failure). The failure is found among the causes of the error,
/// and within wrappers: anyhow's errors, variants of an enum, boxes.
///
/// ```
/// use conduit::{Conduit, ErrorKind};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("files", Smol, Memory::new(), Json)?;
/// conduit.bind("noted").await?.to(|message| async move { drop(message) });
/// conduit.queue_bind("load").await?.to(|message| async move {
///     let path: String = message.decode().await?;
///     message.reply_body(std::fs::read(path)?).await?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// });
///
/// let load = conduit.own_service().request("load", "/no/such/file").await;
/// assert_eq!(load.expect_err("there is no file").kind(), ErrorKind::HandlerFailed);
/// # Ok(())
/// # })
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this handler returns `{Self}`",
    note = "a handler returns `()`, or a `Result<(), E>` whose `E` converts into `Box<dyn Error + Send + Sync>`",
    note = "a request is answered with `message.reply(..).await`, not by what its handler returns"
)]
pub trait HandlerOutput: sealed::Sealed {}

impl HandlerOutput for () {}
impl<E: Into<Box<dyn StdError + Send + Sync>>> HandlerOutput for Result<(), E> {}

mod sealed {
    use std::error::Error as StdError;

    pub trait Sealed {
        /// Returns the error, if there is one.
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

impl Worker {
    /// Unsubscribes, and returns when the broker has stopped routing here and everything it had
    /// routed has arrived; those messages are still handled. If another binding of this conduit
    /// shares the subject, this returns at once. Unbinding twice has no effect.
    ///
    /// Cancel safe: once started, unbinding continues even if the future is dropped.
    pub async fn unbind(&self) {
        self.bound.start_unbind();
        self.bound.mailbox.completed().await;
    }

    /// Returns whether the worker has not been unbound.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.bound.is_bound()
    }

    /// Returns how many messages were lost because the binding was full: see
    /// [`Binding::lost`](crate::Binding::lost).
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bound.mailbox.record.lost.get()
    }

    /// Returns how many messages [layers](crate::layer) have refused: one-way messages, and in a
    /// plain binding also requests and streamed bodies, since no other binding receives its copy.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.bound.mailbox.record.refused.get()
    }

    /// Returns how many messages wait to be handled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bound.mailbox.waiting()
    }

    /// Returns how many bytes of packets wait to be handled: see
    /// [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding).
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.bound.mailbox.waiting_bytes()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("is_bound", &self.is_bound()).finish_non_exhaustive()
    }
}
