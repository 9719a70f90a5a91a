//! Incoming bodies.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;

use crate::{Error, driver::Content};

/// A body being received: an [`AsyncRead`], and a [`Stream`] of bytes.
///
/// The reader sets the pace: while it does not read, the sender waits (backpressure). The end is
/// reported only if every byte has arrived in order and the checksum matches; any other outcome is
/// an [`Error`] (through `AsyncRead`, an [`io::Error`] that contains it). Dropping the body before
/// its end stops the sender. To forward it, convert it into a [`Body`](crate::Body).
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
/// use futures_lite::StreamExt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("storage", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("size").await?.to(|message| async move {
///     let mut body = message.take_body()?;
///     let mut size = 0;
///     while let Some(piece) = body.next().await {
///         size += piece?.len();
///     }
///     message.reply(&size).await
/// });
///
/// let reply = conduit.own_service().request_body("size", vec![0; 100_000]).await?;
/// assert_eq!(reply.decode::<usize>().await?, 100_000);
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a body that is dropped before its end is given up, and its sender told"]
pub struct IncomingBody {
    content: Content,
    /// Bytes to return before those of the content.
    rest: Bytes,
    length: Option<u64>,
    /// The number of bytes returned so far.
    read: u64,
}

impl IncomingBody {
    /// Creates a body from content and `rest`, bytes already taken from it but not returned.
    pub(crate) fn new(content: Content, rest: Bytes) -> Self {
        let length = content.length();
        Self { content, rest, length, read: 0 }
    }

    /// Returns the length of the whole body in bytes, if the sender announced it.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.length
    }

    /// Returns whether the body is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == Some(0)
    }

    /// Returns the number of bytes not yet returned, if the length is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.length?.checked_sub(self.read)
    }

    pub(super) fn into_io_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures_lite::StreamExt::map(self, |item| item.map_err(io::Error::from))
    }

    /// Returns the next bytes, at most `most` of them.
    fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Bytes>, Error>> {
        if self.rest.is_empty() {
            match ready!(self.content.poll_next(cx))? {
                Some(bytes) => self.rest = bytes,
                None => return Poll::Ready(Ok(None)),
            }
        }
        let bytes = self.rest.split_to(self.rest.len().min(most));
        self.read += bytes.len() as u64;
        Poll::Ready(Ok(Some(bytes)))
    }
}

/// Yields chunks as they arrive. Must not be polled again after an error or the end.
impl Stream for IncomingBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(cx, usize::MAX).map(Result::transpose)
    }
}

impl AsyncRead for IncomingBody {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Some(bytes) = ready!(self.poll_bytes(cx, buffer.len()))? else {
            return Poll::Ready(Ok(0));
        };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody").field("len", &self.length).finish_non_exhaustive()
    }
}
