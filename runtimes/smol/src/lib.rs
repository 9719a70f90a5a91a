//! Runs Conduit on [smol].
//!
//! Pass [`Smol`] to the constructor of a conduit. The conduit's tasks run on smol's global
//! executor, which has its own threads (one, or the number in `SMOL_THREADS`) and needs no setup: a
//! conduit can be created on any thread.
//!
//! [`drain_on_signal`] ends a program at SIGTERM or SIGINT without losing messages.
//!
//! ```
//! use conduit::Conduit;
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_smol::Smol;
//!
//! fn main() -> Result<(), conduit::Error> {
//!     smol::block_on(async {
//!         let math = Conduit::new("math", Smol, Memory::new(), Json)?;
//!         math.queue_bind("add").await?.serve(async |(a, b): (u64, u64)| {
//!             a.checked_add(b).ok_or("the sum is too large")
//!         });
//!         let sum = math.own_service().request("add", &(20, 22)).await?;
//!         assert_eq!(sum.decode::<u64>().await?, 42);
//!         Ok(())
//!     })
//! }
//! ```

mod signal;

pub use self::signal::drain_on_signal;

use conduit::{Runtime, Task};
use std::time::Instant;

/// Smol's global executor and timer.
///
/// ```
/// use conduit::Runtime;
/// use conduit_smol::Smol;
///
/// let (sender, receiver) = smol::channel::bounded(1);
/// Smol.spawn(Box::pin(async move {
///     sender.send("done").await.ok();
/// }));
/// assert_eq!(smol::block_on(receiver.recv()), Ok("done"));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Smol;

impl Runtime for Smol {
    fn spawn(&self, task: Task) {
        smol::spawn(task).detach();
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Box::pin(async move {
            smol::Timer::at(at).await;
        })
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}
