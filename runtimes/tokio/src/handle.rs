//! A tokio runtime given by its handle, for callers outside of its context.

use crate::Tokio;
use conduit::{Runtime, Task};
use std::time::Instant;
use tokio::runtime::Handle;

/// A given tokio runtime, for a conduit that is created outside of its context.
///
/// When the runtime shuts down, it drops the conduit's tasks, which closes the conduit: every
/// operation ends with `Closed`. A sleep that is awaited outside of the runtime then panics, as
/// tokio's own does.
///
/// ```
/// use conduit::Runtime;
/// use conduit_tokio::TokioHandle;
/// use tokio::{runtime, sync::oneshot};
///
/// let tokio = runtime::Builder::new_multi_thread().enable_all().build()?;
/// let runtime = TokioHandle::new(tokio.handle().clone());
///
/// let (sender, receiver) = oneshot::channel();
/// runtime.spawn(Box::pin(async move {
///     sender.send("done").ok();
/// }));
/// assert_eq!(receiver.blocking_recv(), Ok("done"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokioHandle(Handle);

impl TokioHandle {
    /// Creates an adapter for the runtime that the handle belongs to.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self(handle)
    }
}

impl From<Handle> for TokioHandle {
    fn from(handle: Handle) -> Self {
        Self::new(handle)
    }
}

impl Runtime for TokioHandle {
    fn spawn(&self, task: Task) {
        drop(self.0.spawn(task));
    }

    fn sleep_until(&self, at: Instant) -> Task {
        let _context = self.0.enter();
        Tokio.sleep_until(at)
    }

    fn now(&self) -> Instant {
        // The context matters here too: each runtime has its own clock, which may be paused.
        let _context = self.0.enter();
        Tokio.now()
    }
}
