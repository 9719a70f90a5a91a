//! Runs Conduit on [async-std](async_std).
//!
//! Pass [`AsyncStd`] to the constructor of a conduit. The conduit's tasks run on async-std's global
//! executor, which has its own threads and needs no setup: a conduit can be created on any thread.
//!
//! async-std is no longer developed (RUSTSEC-2025-0052) and names smol as its successor. This
//! adapter is for services that already run on it; use `conduit-smol` for new ones.
//!
//! [`drain_on_signal`] ends a program at SIGTERM or SIGINT without losing messages.
//!
//! ```
//! use conduit::Conduit;
//! use conduit_async_std::AsyncStd;
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//!
//! fn main() -> Result<(), conduit::Error> {
//!     async_std::task::block_on(async {
//!         let math = Conduit::new("math", AsyncStd, Memory::new(), Json)?;
//!         math.queue_bind("add").await?.serve(async |(a, b): (u64, u64)| {
//!             a.checked_add(b).ok_or("the sum is too large")
//!         });
//!         let sum = math.own_service().request("add", &(20, 22)).await?;
//!         assert_eq!(sum.decode::<u64>().await?, 42);
//!         Ok(())
//!     })
//! }
//! ```

use async_std::task;
mod signal;

pub use self::signal::drain_on_signal;

use conduit::{Runtime, Task};
use std::time::Instant;

/// async-std's global executor and timer.
///
/// ```
/// use async_std::{channel, task};
/// use conduit::Runtime;
/// use conduit_async_std::AsyncStd;
///
/// let (sender, receiver) = channel::bounded(1);
/// AsyncStd.spawn(Box::pin(async move {
///     sender.send("done").await.ok();
/// }));
/// assert_eq!(task::block_on(receiver.recv()), Ok("done"));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    fn spawn(&self, task: Task) {
        // Dropping the handle detaches the task.
        drop(task::spawn(task));
    }

    fn sleep_until(&self, at: Instant) -> Task {
        // Computed at the first poll, since time may pass before it.
        Box::pin(async move { task::sleep(at.saturating_duration_since(Instant::now())).await })
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}
