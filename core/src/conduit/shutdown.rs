//! Ends a conduit when its program is asked to end.

use std::{future::poll_fn, pin::Pin, time::Duration};

use futures_core::Stream;
use futures_lite::future;

use super::Conduit;
use crate::{Drained, Encoder};

impl<E: Encoder> Conduit<E> {
    /// Waits until a stream yields an item, for example a signal of the operating system, then
    /// [drains](Self::drain) the conduit. Another item while it drains ends the drain at once.
    ///
    /// The adapters of the runtimes have a `drain_on_signal` that is this with SIGTERM and SIGINT.
    /// Also returns when the conduit closes by itself. A stream that ends asks for nothing.
    ///
    /// Cancel safe: once started, draining continues even if the future is dropped.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use conduit::Conduit;
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # smol::block_on(async {
    /// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
    /// let (stop, asked) = async_channel::unbounded();
    /// let ending = smol::spawn({
    ///     let conduit = conduit.clone();
    ///     async move { conduit.drain_when(asked, Duration::from_secs(30)).await }
    /// });
    /// stop.send("the operator wants it").await?;
    /// assert_eq!(ending.await.aborted, 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn drain_when<S: Stream>(&self, asked: S, limit: Duration) -> Drained {
        let mut asked = std::pin::pin!(asked);
        future::or(next(asked.as_mut()), self.closed()).await;
        let impatient = async {
            next(asked.as_mut()).await;
            self.drain(Duration::ZERO).await
        };
        future::or(self.drain(limit), impatient).await
    }
}

/// Waits for an item, for ever once the stream has ended.
async fn next<S: Stream>(mut asked: Pin<&mut S>) {
    if poll_fn(|cx| asked.as_mut().poll_next(cx)).await.is_none() {
        future::pending::<()>().await;
    }
}
