//! Incoming bodies.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;

use crate::{
    Error, Executed,
    driver::{InboundStream, Shared},
    proto::{Read, Reason, ReasonCode},
};

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

/// Where the bytes of a body come from.
pub(crate) enum Content {
    Whole(Bytes),
    Stream(Box<StreamContent>),
}

/// The only reader of a stream.
pub(crate) struct StreamContent {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stream: Arc<InboundStream>,
    /// Reading fails after it.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) length: Option<u64>,
}

pub(crate) struct Deadline {
    at: Instant,
    sleep: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Deadline {
    pub(crate) fn new(shared: &Arc<Shared>, at: Instant) -> Self {
        let shared = Arc::clone(shared);
        let sleep = Box::pin(async move { shared.sleep_until(at).await });
        Self { at, sleep }
    }
}

impl Content {
    pub(crate) fn stream(
        shared: &Arc<Shared>,
        stream: Arc<InboundStream>,
        length: Option<u64>,
        deadline: Option<Instant>,
    ) -> Self {
        let deadline = deadline.map(|at| Deadline::new(shared, at));
        let shared = Arc::clone(shared);
        Self::Stream(Box::new(StreamContent { shared, stream, deadline, length }))
    }

    /// Sets a time after which reading fails.
    pub(crate) fn limit_time(&mut self, at: Option<Instant>) {
        if let Self::Stream(stream) = self {
            stream.deadline = at.map(|at| Deadline::new(&stream.shared, at));
        }
    }

    /// Tells the sender of a streamed body that the handler has the message.
    pub(crate) fn start(&self) {
        if let Self::Stream(content) = self {
            content.stream.start(&content.shared);
        }
    }

    /// Stops the sender of a streamed body, with a reason.
    pub(crate) fn stop(&self, code: ReasonCode) {
        if let Self::Stream(content) = self {
            content.stream.stop(&content.shared, code.into());
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.length,
        }
    }

    /// Returns the next bytes, at least one; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        match self {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready(Ok((!bytes.is_empty()).then_some(bytes)))
            }
            Self::Stream(stream) => stream.poll_next(cx),
        }
    }
}

impl StreamContent {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let late = self.poll_late(cx).is_ready();
        if late {
            // Buffered bytes are not returned either. Harmless if the body was read to its end.
            self.deadline = None;
            self.stream.stop(&self.shared, ReasonCode::Deadline.into());
        }
        match ready!(self.stream.poll_read(&self.shared, cx)) {
            Read::Chunk(bytes) => Poll::Ready(Ok(Some(bytes))),
            Read::End => Poll::Ready(Ok(None)),
            // The sender may have given up at the same moment, for the same reason.
            Read::Failed(_) if late => Poll::Ready(Err(self.failed(&ReasonCode::Deadline.into()))),
            Read::Failed(reason) => Poll::Ready(Err(self.failed(&reason))),
            Read::Pending => Poll::Pending,
        }
    }

    /// Converts a reason into an error. An unreadable reply still means that the handler ran.
    fn failed(&self, reason: &Reason) -> Error {
        // If this conduit is closing, then it ended the body, not the peer.
        let error = match self.shared.check_open() {
            Err(closed) if reason.code == ReasonCode::Closed => {
                closed.with_executed(Executed::Maybe)
            }
            _ => Error::from_reason(reason),
        };
        let error = match self.stream.sender() {
            Some(sender) if reason.code != ReasonCode::Deadline => error.heard_from(sender),
            _ => error,
        };
        if self.stream.is_reply() { error.with_executed(Executed::Yes) } else { error }
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.deadline {
            None => Poll::Pending,
            Some(deadline) if self.shared.now() >= deadline.at => Poll::Ready(()),
            Some(deadline) => deadline.sleep.as_mut().poll(cx),
        }
    }
}

impl Drop for StreamContent {
    fn drop(&mut self) {
        self.stream.leave(&self.shared);
    }
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
