//! Outgoing and incoming bodies.

mod incoming;
mod writer;

use std::{fmt, io};

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;

pub use self::{incoming::IncomingBody, writer::BodyWriter};
use crate::{
    Error,
    producer::{Prepared, Producer},
};

/// A body that is sent without encoding: text, bytes, a reader, a stream, or nothing.
///
/// Functions that take a body accept anything that converts into one: `&str`, `String`, byte
/// slices, `Vec<u8>`, [`Bytes`], `()` for an empty body, and an [`IncomingBody`].
///
/// A body that fits into one chunk (16 KiB by default) and is available at once travels in one
/// packet. Any other body is streamed: its producer is read as fast as the receivers read, and bytes
/// are sent as soon as the producer yields them, even if it pauses afterwards.
///
/// ```
/// use conduit::Body;
/// use futures_lite::io::Cursor;
///
/// let text = Body::from("user logged in");
/// assert_eq!(text.len(), Some(14));
/// let file = Body::reader(Cursor::new(vec![0; 100_000]));
/// assert_eq!(file.len(), None);
/// ```
pub struct Body(Producer);

impl Body {
    /// Creates an empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// Creates a body from everything that a reader yields. An error of the reader fails the body
    /// at every receiver, with the text of the error.
    ///
    /// `conduit_tokio::from_tokio` converts tokio's readers.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Producer::reader(Box::pin(reader), None))
    }

    /// Like [`reader`](Self::reader), with a known length in bytes. The receiver learns the length
    /// at once, and a reader that yields fewer or more bytes fails the body.
    pub fn sized_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Producer::reader(Box::pin(reader), Some(length)))
    }

    /// Creates a body from everything that a stream yields. An error of the stream fails the body
    /// at every receiver, with the text of the error.
    ///
    /// The body ends when the stream ends. The receiver of a channel also ends when the producing
    /// task has panicked and dropped its sender; the truncated body would then look complete. If
    /// another task produces the body, use a [`writer`](Self::writer).
    pub fn stream(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Producer::stream(Box::pin(stream), None))
    }

    /// Like [`stream`](Self::stream), with a known length in bytes.
    pub fn sized_stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: u64,
    ) -> Self {
        Self(Producer::stream(Box::pin(stream), Some(length)))
    }

    /// Creates a body that another task writes, and its writer. The body ends when the writer is
    /// [finished](BodyWriter::finish); dropping the writer before that fails the body.
    pub fn writer() -> (BodyWriter, Self) {
        let (writer, written) = writer::pipe();
        (writer, Self::stream(written))
    }

    /// Like [`writer`](Self::writer), with a known length in bytes. A writer that writes fewer or
    /// more bytes fails the body.
    pub fn sized_writer(length: u64) -> (BodyWriter, Self) {
        let (writer, written) = writer::pipe();
        (writer, Self::sized_stream(written, length))
    }

    /// Returns the length in bytes, if it is known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.0.length()
    }

    /// Returns whether the body is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Returns the bytes, if all of them are in memory.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.0.in_memory()
    }

    /// Copies the body, if all of it is in memory, which the copies share.
    #[must_use]
    pub fn share(&mut self) -> Option<Self> {
        self.0.share().map(Self)
    }

    /// Converts the body into a stream of its bytes, for example to change them on the way.
    ///
    /// ```
    /// use conduit::Body;
    /// use futures_lite::StreamExt;
    ///
    /// let file = Body::reader(futures_lite::io::Cursor::new("a file"));
    /// let upper = Body::stream(file.into_stream().map(|bytes| Ok(bytes?.to_ascii_uppercase().into())));
    /// let bytes = smol::block_on(upper.into_stream().next()).expect("it is not empty");
    /// assert_eq!(bytes?, "A FILE");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        const PIECE: usize = 16 << 10;
        let mut producer = self.0;
        futures_lite::stream::poll_fn(move |cx| {
            producer.poll_bytes(cx, PIECE).map(Result::transpose)
        })
    }

    /// Returns the bytes, if all of them are in memory and there are at most `chunk`.
    pub(crate) fn whole(&self, chunk: usize) -> Option<&[u8]> {
        self.0.whole(chunk)
    }

    /// Reads what is available without waiting, to see whether the body fits one packet.
    pub(crate) async fn prepare(self, chunk: usize) -> Result<Prepared, Error> {
        self.0.prepare(chunk).await
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Producer::bytes(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Producer::vec(bytes))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<IncomingBody> for Body {
    fn from(body: IncomingBody) -> Self {
        let length = body.left();
        Self(Producer::stream(Box::pin(body.into_io_stream()), length))
    }
}

macro_rules! from_bytes {
    ($($From:ty => $convert:expr;)*) => {
        $(impl From<$From> for Body {
            fn from(value: $From) -> Self {
                Self::from($convert(value))
            }
        })*
    };
}

from_bytes! {
    &str => |text: &str| Bytes::copy_from_slice(text.as_bytes());
    String => Bytes::from;
    &String => |text: &String| Bytes::copy_from_slice(text.as_bytes());
    &[u8] => Bytes::copy_from_slice;
    &Vec<u8> => |bytes: &Vec<u8>| Bytes::copy_from_slice(bytes);
    Box<[u8]> => Bytes::from;
}

impl<const N: usize> From<[u8; N]> for Body {
    fn from(bytes: [u8; N]) -> Self {
        Self::from(Bytes::copy_from_slice(&bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Body {
    fn from(bytes: &[u8; N]) -> Self {
        Self::from(Bytes::copy_from_slice(bytes))
    }
}
