//! A tokio runtime by its handle, for callers outside of it.

use crate::Tokio;
use conduit::{Runtime, Task};
use std::time::Instant;
use tokio::runtime::Handle;

/// A given tokio runtime, for a conduit that is made outside of its context.
///
/// A runtime that is shut down drops the conduit's tasks, which closes the conduit: everything ends
/// with `Closed`. A sleep that others await then panics, as tokio's own does.
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
    /// Uses the runtime that the handle belongs to.
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
        // The context matters here too: a paused clock belongs to one runtime.
        let _context = self.0.enter();
        Tokio.now()
    }
}
