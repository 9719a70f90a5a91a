//! Ends a conduit when the operating system asks its program to end.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use conduit::{Conduit, Drained, Encoder};
use futures_core::Stream;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Waits for SIGTERM or SIGINT (on Windows, for Ctrl-C), then [drains](Conduit::drain) the conduit.
/// A second signal ends the drain at once.
///
/// From the first poll on, these signals do not end the process, even after this has returned: a
/// program awaits this at the end of `main`, and then returns. Also returns when the conduit closes
/// by itself.
///
/// # Errors
/// Those of the operating system. Then the conduit is not drained.
///
/// # Panics
/// Outside of the context of a tokio runtime whose I/O driver is enabled, as `#[tokio::main]` does.
///
/// ```no_run
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_tokio::{Tokio, drain_on_signal};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let conduit = Conduit::new("worker", Tokio, Memory::new(), Json)?;
///     // ..
///     let drained = drain_on_signal(&conduit, Duration::from_secs(30)).await?;
///     println!("cut off: {}", drained.aborted);
///     Ok(())
/// }
/// ```
pub async fn drain_on_signal<E: Encoder>(
    conduit: &Conduit<E>,
    limit: Duration,
) -> io::Result<Drained> {
    Ok(conduit.drain_when(Signals::new()?, limit).await)
}

/// The signals that ask a program to end.
#[cfg(unix)]
struct Signals([Signal; 2]);
#[cfg(windows)]
struct Signals([CtrlC; 1]);

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]))
    }

    #[cfg(windows)]
    fn new() -> io::Result<Self> {
        Ok(Self([ctrl_c()?]))
    }
}

impl Stream for Signals {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let mut signals = self.0.iter_mut();
        signals
            .find_map(|signal| match signal.poll_recv(cx) {
                Poll::Pending => None,
                received => Some(received),
            })
            .unwrap_or(Poll::Pending)
    }
}
