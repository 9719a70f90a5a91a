//! The runtime seam: what Conduit needs of an async runtime.

use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

/// A future that a [`Runtime`] runs.
///
/// ```
/// use conduit::{Runtime, Task};
/// use conduit_smol::Smol;
///
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let task: Task = Box::pin(async move { sender.send(7).expect("it is waited for") });
/// Smol.spawn(task);
/// assert_eq!(receiver.recv(), Ok(7));
/// ```
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An async runtime: something that runs tasks, waits and knows the time.
///
/// Conduit calls nothing else of a runtime: no I/O, no blocking pool, no thread-local context. An
/// adapter is a few lines; `conduit-smol`, `conduit-tokio` and `conduit-async-std` are three of
/// them, and the example `embed_any_executor` writes one for an executor of its own.
///
/// # Contract
/// - `spawn` runs the task to its end, whatever happens to the caller. There is no handle, so that
///   detaching and cancelling on drop cannot differ between runtimes.
/// - A runtime that shuts down drops its tasks, at an await point or before they were polled, and
///   from then on drops what `spawn` is given. It holds no lock meanwhile that `spawn`, `now` or a
///   waker of its tasks takes. A conduit whose tasks are dropped is closed: whatever waits for it,
///   on whatever thread, ends with [`Closed`](crate::ErrorKind::Closed), and
///   [`Binding::next`](crate::Binding::next) with `None`. Tasks that are neither run nor dropped
///   leave those who wait for them waiting.
/// - `sleep_until` completes at or soon after the instant; at once if it has passed. It may be
///   dropped early.
/// - `now` never goes backwards, and is the clock of `sleep_until`. It may be a virtual clock: then
///   nothing in Conduit looks at a real one. It can be called from any thread, also once the runtime
///   has shut down.
/// - `spawn` and `sleep_until` are called from [`Conduit::new`](crate::Conduit::new) (or the
///   builder's `build`) and from tasks that `spawn` runs, never from another thread of the user's.
///   So a runtime with a thread-local context needs it in one place: where the conduit is made.
///
/// # Example
/// ```
/// use std::{thread, time::Instant};
///
/// use conduit::{Runtime, Task};
///
/// /// A thread for each task: enough for a few of them.
/// struct Threads;
///
/// impl Runtime for Threads {
///     fn spawn(&self, task: Task) {
///         thread::spawn(|| futures_lite::future::block_on(task));
///     }
///
///     fn sleep_until(&self, at: Instant) -> Task {
///         Box::pin(async move { drop(smol::Timer::at(at).await) })
///     }
///
///     fn now(&self) -> Instant {
///         Instant::now()
///     }
/// }
///
/// let (sender, receiver) = std::sync::mpsc::channel();
/// Threads.spawn(Box::pin(async move { sender.send("done").expect("it is waited for") }));
/// assert_eq!(receiver.recv(), Ok("done"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a runtime for a conduit",
    label = "not a runtime",
    note = "use `Smol` of `conduit-smol`, `Tokio` of `conduit-tokio`, `AsyncStd` of `conduit-async-std`, or implement `Runtime` in three methods"
)]
pub trait Runtime: Send + Sync + 'static {
    /// Runs a task to its end.
    fn spawn(&self, task: Task);

    /// Waits until an instant of this runtime's clock.
    fn sleep_until(&self, at: Instant) -> Task;

    /// The time on this runtime's clock.
    fn now(&self) -> Instant;
}

impl<R: Runtime + ?Sized> Runtime for Arc<R> {
    fn spawn(&self, task: Task) {
        (**self).spawn(task);
    }

    fn sleep_until(&self, at: Instant) -> Task {
        (**self).sleep_until(at)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }
}
