//! Ends a conduit when the operating system asks its program to end.

use std::{io, time::Duration};

use async_signal::{Signal, Signals};
use conduit::{Conduit, Drained, Encoder};

/// The signals that ask a program to end.
#[cfg(unix)]
const ASKING: [Signal; 2] = [Signal::Term, Signal::Int];
#[cfg(not(unix))]
const ASKING: [Signal; 1] = [Signal::Int];

/// Waits for SIGTERM or SIGINT (elsewhere than on Unix, for Ctrl-C), then [drains](Conduit::drain)
/// the conduit. A second signal ends the drain at once.
///
/// From the first poll on, these signals do not end the process, even after this has returned: a
/// program awaits this at the end of `main`, and then returns. Also returns when the conduit closes
/// by itself.
///
/// # Errors
/// Those of the operating system. Then the conduit is not drained.
///
/// ```no_run
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_async_std::{AsyncStd, drain_on_signal};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     async_std::task::block_on(async {
///         let conduit = Conduit::new("worker", AsyncStd, Memory::new(), Json)?;
///         // ..
///         let drained = drain_on_signal(&conduit, Duration::from_secs(30)).await?;
///         println!("cut off: {}", drained.aborted);
///         Ok(())
///     })
/// }
/// ```
pub async fn drain_on_signal<E: Encoder>(
    conduit: &Conduit<E>,
    limit: Duration,
) -> io::Result<Drained> {
    Ok(conduit.drain_when(Signals::new(ASKING)?, limit).await)
}
