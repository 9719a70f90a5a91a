//! Bodies that come in.

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
    Error, ErrorKind, Executed,
    driver::{InboundStream, Shared},
    proto::{Read, ReasonCode},
};

/// A body that is being received: an [`AsyncRead`], and a [`Stream`] of bytes.
///
/// It is read at the reader's pace: while nobody reads, its sender waits. The end is reported only
/// when every byte has arrived in order and the checksum is right; anything else is an [`Error`]
/// (through `AsyncRead`, an [`io::Error`] that holds it). Dropping it before its end tells the
/// sender. It converts into a [`Body`](crate::Body), to be passed on.
pub struct IncomingBody {
    content: Content,
    /// What `AsyncRead` has not given out yet.
    rest: Bytes,
    length: Option<u64>,
}

/// The bytes of a body, from wherever they come.
pub(crate) enum Content {
    Whole(Bytes),
    Stream(StreamContent),
}

/// The one reader of a stream.
pub(crate) struct StreamContent {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stream: Arc<InboundStream>,
    /// Nothing is read after it.
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
        Self::Stream(StreamContent {
            shared: Arc::clone(shared),
            stream,
            deadline,
            length,
        })
    }

    /// Sets a time after which nothing is read.
    pub(crate) fn limit_time(&mut self, at: Option<Instant>) {
        if let Self::Stream(stream) = self {
            stream.deadline = at.map(|at| Deadline::new(&stream.shared, at));
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.length,
        }
    }

    /// The next bytes, at least one; nothing at the end.
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
        let now = || self.shared.now();
        if self
            .deadline
            .as_ref()
            .is_some_and(|deadline| now() >= deadline.at)
        {
            // Even where there is more to read. What was read whole stays so.
            self.stream.stop(&self.shared, ReasonCode::Deadline.into());
        }
        match self.stream.poll_read(&self.shared, cx) {
            Poll::Ready(Read::Chunk(bytes)) => return Poll::Ready(Ok(Some(bytes))),
            Poll::Ready(Read::End) => return Poll::Ready(Ok(None)),
            Poll::Ready(Read::Failed(reason)) => {
                return Poll::Ready(Err(Error::from_reason(&reason)));
            }
            Poll::Ready(Read::Pending) | Poll::Pending => {}
        }
        if let Some(deadline) = &mut self.deadline {
            ready!(deadline.sleep.as_mut().poll(cx));
            // A finished sleep must not be polled again.
            *deadline = Deadline::new(&self.shared, deadline.at);
            self.stream.stop(&self.shared, ReasonCode::Deadline.into());
            let error = Error::from(ErrorKind::Deadline);
            return Poll::Ready(Err(error.with_executed(Executed::Maybe)));
        }
        Poll::Pending
    }
}

impl Drop for StreamContent {
    fn drop(&mut self) {
        self.stream.stop(&self.shared, ReasonCode::Dropped.into());
    }
}

impl IncomingBody {
    pub(crate) fn new(content: Content) -> Self {
        let length = content.length();
        Self {
            content,
            rest: Bytes::new(),
            length,
        }
    }

    /// The length of the whole body in bytes, where the sender announced it.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.length
    }

    /// Whether it is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == Some(0)
    }

    pub(super) fn into_io_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures_lite::StreamExt::map(self, |item| item.map_err(io::Error::from))
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        self.content.poll_next(cx)
    }
}

/// Yields pieces as they arrive. After an error or the end it must not be polled again.
impl Stream for IncomingBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(cx).map(Result::transpose)
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
        let Some(mut bytes) = ready!(self.poll_bytes(cx))? else {
            return Poll::Ready(Ok(0));
        };
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.rest = bytes.split_off(count);
        Poll::Ready(Ok(count))
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody")
            .field("len", &self.length)
            .finish_non_exhaustive()
    }
}
