//! The runtime seam: what Conduit needs from an async runtime.

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

/// An async runtime: spawns tasks, and provides a timer and a clock.
///
/// Conduit uses nothing else of a runtime: no I/O, no blocking pool, no thread-local context. An
/// adapter is a few lines; `conduit-smol`, `conduit-tokio` and `conduit-async-std` are adapters,
/// and the example `embed_any_executor` writes one for its own executor.
///
/// # Contract
/// - `spawn` runs the task to completion, whatever happens to the caller. It returns no handle, so
///   that detaching and cancelling on drop cannot differ between runtimes.
/// - A runtime that shuts down drops its tasks, at an await point or before they were polled, and
///   from then on drops every task passed to `spawn`. While it drops tasks, it holds no lock that
///   `spawn`, `now` or a waker of its tasks takes. A conduit whose tasks are dropped is closed:
///   every operation waiting for it, on any thread, ends with
///   [`Closed`](crate::ErrorKind::Closed), and [`Binding::next`](crate::Binding::next) with `None`.
///   If tasks are neither run nor dropped, operations that depend on them hang.
/// - `sleep_until` completes at or soon after the instant, at once if it has passed. It may be
///   dropped early.
/// - `now` is monotonic, and is the clock of `sleep_until`. It may be a virtual clock; Conduit then
///   uses no real one. It can be called from any thread, also after the runtime has shut down.
/// - `spawn` and `sleep_until` are called only from [`Conduit::new`](crate::Conduit::new) (or the
///   builder's `build`) and from tasks that `spawn` runs, never from other threads of the
///   application. So a runtime with a thread-local context needs it only where the conduit is
///   created.
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
    /// Runs a task to completion, in the background.
    fn spawn(&self, task: Task);

    /// Waits until an instant of this runtime's clock.
    fn sleep_until(&self, at: Instant) -> Task;

    /// Returns the time on this runtime's clock.
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
