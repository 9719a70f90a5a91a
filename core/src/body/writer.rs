//! A body that another task writes.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_io::AsyncWrite;

use crate::lock::lock;

/// The writing end of a [`Body`](crate::Body), from [`Body::writer`](crate::Body::writer).
///
/// The body ends when [`finish`](Self::finish) is called, or when the writer is closed as an
/// [`AsyncWrite`], which is equivalent. Dropping the writer before that fails the body: the
/// receivers and the sender get `BodyFailed`. So a producer that panics or returns early is never
/// mistaken for one that has written everything.
///
/// Written bytes are available to the body at once; flushing has no effect. A write waits while
/// 16 KiB are unsent, so that receivers apply backpressure to the producer. Write and send in
/// different tasks: nothing reads from a body before it is sent.
///
/// # Errors
/// `BrokenPipe` once the body has been dropped: it was never sent, its receivers have failed, or
/// its request has ended. The result of sending it has the reason.
///
/// # Example
/// ```
/// use conduit::{Body, Conduit};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
/// use futures_lite::AsyncWriteExt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("reports", Smol, Memory::new(), Json)?;
/// let mut reports = conduit.queue_bind("daily").await?;
///
/// let (mut writer, body) = Body::writer();
/// let producer = smol::spawn(async move {
///     for line in 0..10_000 {
///         writer.write_all(format!("line {line}\n").as_bytes()).await?;
///     }
///     writer.finish();
///     std::io::Result::Ok(())
/// });
/// let service = conduit.own_service();
/// let sender = smol::spawn(async move { service.send_body("daily", body).await });
///
/// let report = reports.next().await.expect("it is bound");
/// assert!(report.text().await?.ends_with("line 9999\n"));
/// producer.await?;
/// sender.await?;
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a writer that is dropped before it is finished fails the body"]
pub struct BodyWriter(Arc<Pipe>);

/// The reading end of the pipe.
pub(super) struct Written(Arc<Pipe>);

type Pipe = Mutex<PipeState>;

#[derive(Default)]
struct PipeState {
    /// Bytes written and not yet taken.
    piece: Bytes,
    end: Option<End>,
    /// The body was dropped.
    unread: bool,
    taker: Option<Waker>,
    writer: Option<Waker>,
    /// The task to wake after a change.
    wake: Option<Waker>,
}

enum End {
    Finished,
    /// The error, until the body has taken it.
    Failed(Option<io::Error>),
}

/// The number of untaken bytes at which a write waits.
const CAPACITY: usize = 16 << 10;

pub(super) fn pipe() -> (BodyWriter, Written) {
    let pipe = Arc::<Pipe>::default();
    (BodyWriter(Arc::clone(&pipe)), Written(pipe))
}

impl BodyWriter {
    /// Writes bytes without copying them, once everything written before has been taken.
    ///
    /// Cancel safe: if the future is dropped before it completes, none of the bytes were written.
    ///
    /// # Errors
    /// `BrokenPipe` once the body has been dropped.
    pub async fn send(&mut self, bytes: impl Into<Bytes>) -> io::Result<()> {
        let mut bytes = bytes.into();
        let write = |cx: &mut Context<'_>| {
            change(&self.0, |state| {
                ready!(state.poll_room(cx, 1))?;
                state.piece = std::mem::take(&mut bytes);
                state.wake_taker();
                Poll::Ready(Ok(()))
            })
        };
        poll_fn(write).await
    }

    /// Ends the body: everything has been written.
    pub fn finish(self) {
        end(&self.0, End::Finished);
    }

    /// Fails the body: the receivers get `BodyFailed` with the text of the error.
    pub fn fail(self, error: io::Error) {
        end(&self.0, End::Failed(Some(error)));
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        let text = "its writer was dropped before it was finished";
        end(&self.0, End::Failed(Some(io::Error::new(io::ErrorKind::UnexpectedEof, text))));
    }
}

/// Closing the writer finishes the body.
impl AsyncWrite for BodyWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        change(&self.0, |state| {
            ready!(state.poll_room(cx, CAPACITY))?;
            let count = bytes.len().min(CAPACITY - state.piece.len());
            let mut piece = BytesMut::from(std::mem::take(&mut state.piece));
            piece.extend_from_slice(&bytes[..count]);
            state.piece = piece.freeze();
            state.wake_taker();
            Poll::Ready(Ok(count))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        end(&self.0, End::Finished);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").finish_non_exhaustive()
    }
}

impl Stream for Written {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        change(&self.0, |state| {
            if !state.piece.is_empty() {
                let piece = std::mem::take(&mut state.piece);
                state.wake_writer();
                return Poll::Ready(Some(Ok(piece)));
            }
            match &mut state.end {
                None => {
                    state.taker = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(End::Finished) => Poll::Ready(None),
                Some(End::Failed(error)) => Poll::Ready(error.take().map(Err)),
            }
        })
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        change(&self.0, |state| {
            state.unread = true;
            state.piece = Bytes::new();
            state.wake_writer();
        });
    }
}

impl PipeState {
    /// Waits until fewer than `most` bytes are untaken.
    fn poll_room(&mut self, cx: &Context<'_>, most: usize) -> Poll<io::Result<()>> {
        let broken = |text| Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, text)));
        if self.end.is_some() {
            return broken("the body was finished");
        }
        if self.unread {
            return broken("the body was dropped before it was finished");
        }
        if self.piece.len() < most {
            return Poll::Ready(Ok(()));
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn wake_taker(&mut self) {
        self.wake = self.taker.take();
    }

    fn wake_writer(&mut self) {
        self.wake = self.writer.take();
    }
}

/// Ends the pipe. Only the first call has an effect.
fn end(pipe: &Pipe, end: End) {
    change(pipe, |state| {
        state.end.get_or_insert(end);
        state.wake_taker();
    });
}

/// Changes the state, and wakes the other side after unlocking it.
fn change<T>(pipe: &Pipe, change: impl FnOnce(&mut PipeState) -> T) -> T {
    let mut state = lock(pipe);
    let result = change(&mut state);
    let wake = state.wake.take();
    drop(state);
    wake.into_iter().for_each(Waker::wake);
    result
}
