//! Bodies: those that go out, and those that come in.

mod incoming;
mod source;
mod writer;

use std::{fmt, io};

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;

pub(crate) use self::{
    incoming::Content,
    source::{Prepared, Source},
};
pub use self::{incoming::IncomingBody, writer::BodyWriter};

/// What is sent as it is: text, bytes, a reader, a stream, or nothing.
///
/// Anything that converts into a body can be given where one is wanted: `&str`, `String`, byte
/// slices, `Vec<u8>`, [`Bytes`], `()` for nothing, and a body that was received.
///
/// A body that fits into one chunk (16 KiB, unless configured) and is there at once travels in one
/// packet. Any other is streamed: it is read as fast as its receivers take it, and what a reader
/// has given is sent on even if it then pauses.
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
pub struct Body(Source);

impl Body {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// Everything that a reader yields. An error of it fails the body, at every receiver, with its
    /// text.
    ///
    /// Readers of tokio are bridged by `conduit_tokio::from_tokio`.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Source::reader(Box::pin(reader), None))
    }

    /// Like [`reader`](Self::reader), where the length in bytes is known: the receiver learns it at
    /// once, and a reader that yields less or more fails the body.
    pub fn sized_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self(Source::reader(Box::pin(reader), Some(length)))
    }

    /// Everything that a stream yields. An error of it fails the body, at every receiver, with its
    /// text.
    ///
    /// The body ends when the stream does. The receiver of a channel ends when its senders are
    /// dropped, also where their task has panicked half-way: then a body that lacks the rest looks
    /// whole. Where another task produces the body, use a [`writer`](Self::writer).
    pub fn stream(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Source::stream(Box::pin(stream), None))
    }

    /// Like [`stream`](Self::stream), where the length in bytes is known.
    pub fn sized_stream(
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        length: u64,
    ) -> Self {
        Self(Source::stream(Box::pin(stream), Some(length)))
    }

    /// A body that another task writes, and the writer for it. It ends where the writer is
    /// [finished](BodyWriter::finish); a writer that is dropped before fails it.
    pub fn writer() -> (BodyWriter, Self) {
        let (writer, written) = writer::pipe();
        (writer, Self::stream(written))
    }

    /// Like [`writer`](Self::writer), where the length in bytes is known: a writer that writes less
    /// or more fails the body.
    pub fn sized_writer(length: u64) -> (BodyWriter, Self) {
        let (writer, written) = writer::pipe();
        (writer, Self::sized_stream(written, length))
    }

    /// The length in bytes, where it is known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.0.length()
    }

    /// Whether it is known to be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    pub(crate) fn into_source(self) -> Source {
        self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Source::bytes(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Source::vec(bytes))
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
        Self(Source::stream(Box::pin(body.into_io_stream()), length))
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
