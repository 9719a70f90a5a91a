//! Runs Conduit on [tokio].
//!
//! Pass [`Tokio`] to the constructor of a conduit that is created inside a tokio runtime, or
//! [`TokioHandle`] if it is created outside of one. Both flavours of runtime work; the time driver
//! has to be enabled, as `#[tokio::main]` and `Builder::enable_all` do. A current-thread runtime
//! runs the conduit's tasks only while a thread is inside its `block_on`.
//!
//! [`from_tokio`], [`into_tokio`] and [`writer_into_tokio`] convert readers and writers between
//! tokio's I/O traits and Conduit's.
//!
//! [`drain_on_signal`] ends a program at SIGTERM or SIGINT without losing messages.
//!
//! ```
//! use conduit::Conduit;
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_tokio::Tokio;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), conduit::Error> {
//!     let math = Conduit::new("math", Tokio, Memory::new(), Json)?;
//!     math.queue_bind("add").await?.serve(async |(a, b): (u64, u64)| {
//!         a.checked_add(b).ok_or("the sum is too large")
//!     });
//!     let sum = math.own_service().request("add", &(20, 22)).await?;
//!     assert_eq!(sum.decode::<u64>().await?, 42);
//!     Ok(())
//! }
//! ```

mod bridge;
mod handle;
mod signal;

pub use self::{
    bridge::{from_tokio, into_tokio, writer_into_tokio},
    handle::TokioHandle,
    signal::drain_on_signal,
};

use conduit::{Runtime, Task};
use std::time::Instant;

/// The tokio runtime whose context the caller is in.
///
/// It uses tokio's clock, so a test that pauses that (`tokio::time::pause`) pauses Conduit too.
///
/// # Panics
/// `spawn` and `sleep_until` panic outside of a runtime's context, as [`tokio::spawn`] does. So
/// create the conduit inside one: in an async function that tokio runs, or after
/// [`Handle::enter`](tokio::runtime::Handle::enter). [`TokioHandle`] needs no context.
///
/// ```
/// use conduit::Runtime;
/// use conduit_tokio::Tokio;
/// use tokio::sync::oneshot;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, receiver) = oneshot::channel();
/// Tokio.spawn(Box::pin(async move {
///     sender.send("done").ok();
/// }));
/// assert_eq!(receiver.await, Ok("done"));
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    fn spawn(&self, task: Task) {
        // Dropping the handle detaches the task.
        drop(tokio::spawn(task));
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Box::pin(tokio::time::sleep_until(at.into()))
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}
