//! The content of a message that has arrived: its bytes, or the stream of them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;

use super::{InboundStream, ground::Ground, records::Record};
use crate::{
    Error, Executed,
    proto::{Read, Reason, ReasonCode},
};

/// Where the bytes of a body come from.
pub(crate) enum Content {
    Whole(Bytes),
    Stream(Box<StreamContent>),
}

/// The only reader of a stream.
pub(crate) struct StreamContent {
    pub(super) stream: Arc<InboundStream>,
    /// Reading fails after it.
    deadline: Option<Deadline>,
    length: Option<u64>,
    /// Is told of the end.
    end: Option<Box<dyn BodyEnd>>,
    /// Counts the bytes that are read.
    record: Option<Arc<Record>>,
}

/// Wants to know how the reading of a body ends. Dropped without a word if the reader drops the body
/// before.
pub(crate) trait BodyEnd: Send + Sync {
    /// Notes that the last byte was read, or why the body has failed.
    fn ended(self: Box<Self>, result: Result<(), &Error>);
}

struct Deadline {
    at: Instant,
    sleep: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Deadline {
    fn new(ground: &Arc<Ground>, at: Instant) -> Self {
        let ground = Arc::clone(ground);
        let sleep = Box::pin(async move { ground.sleep_until(at).await });
        Self { at, sleep }
    }
}

impl Content {
    pub(super) fn stream(
        stream: Arc<InboundStream>,
        length: Option<u64>,
        deadline: Option<Instant>,
    ) -> Self {
        let deadline = deadline.map(|at| Deadline::new(stream.ground(), at));
        Self::Stream(Box::new(StreamContent { stream, deadline, length, end: None, record: None }))
    }

    /// Counts the bytes that are read with those of a binding.
    pub(super) fn counted_by(mut self, record: &Arc<Record>) -> Self {
        if let Self::Stream(content) = &mut self {
            content.record = Some(Arc::clone(record));
        }
        self
    }

    /// Sets a time after which reading fails.
    pub(crate) fn limit_time(&mut self, at: Option<Instant>) {
        if let Self::Stream(stream) = self {
            stream.deadline = at.map(|at| Deadline::new(stream.stream.ground(), at));
        }
    }

    /// Tells the sender of a streamed body that the handler has the message.
    pub(crate) fn start(&self) {
        if let Self::Stream(content) = self {
            content.stream.start();
        }
    }

    /// Stops the sender of a streamed body, with a reason.
    pub(crate) fn stop(&self, reason: impl Into<Reason>) {
        if let Self::Stream(content) = self {
            content.stream.stop(reason.into());
        }
    }

    /// Tells how the reading ends. A body of one packet has ended.
    pub(crate) fn watch(&mut self, end: Box<dyn BodyEnd>) {
        match self {
            Self::Whole(_) => end.ended(Ok(())),
            Self::Stream(content) => content.end = Some(end),
        }
    }

    /// Returns the body, if it came in one packet.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(_) => None,
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
    fn count(&self, bytes: usize) {
        if let Some(record) = &self.record {
            record.tally.receive(bytes);
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let next = ready!(self.poll_bytes(cx));
        let result = match &next {
            Ok(Some(_)) => return Poll::Ready(next),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Some(end) = self.end.take() {
            end.ended(result);
        }
        Poll::Ready(next)
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let late = self.poll_late(cx).is_ready();
        if late {
            // Buffered bytes are not returned either. Harmless if the body was read to its end.
            self.deadline = None;
            self.stream.stop(ReasonCode::Deadline.into());
        }
        match ready!(self.stream.poll_read(cx)) {
            Read::Chunk(bytes) => {
                self.count(bytes.len());
                Poll::Ready(Ok(Some(bytes)))
            }
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
        let error = match self.stream.ground().check_open() {
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
            Some(deadline) if self.stream.ground().now() >= deadline.at => Poll::Ready(()),
            Some(deadline) => deadline.sleep.as_mut().poll(cx),
        }
    }
}

impl Drop for StreamContent {
    fn drop(&mut self) {
        self.stream.leave();
    }
}
