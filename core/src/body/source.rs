//! Where the bytes of an outgoing body come from.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_io::AsyncRead;

use crate::{Error, ErrorKind};

pub(crate) struct Source {
    /// Goes before what the kind yields.
    first: Bytes,
    kind: Kind,
    /// How much the kind has to yield yet, where it is known.
    left: Option<u64>,
}

enum Kind {
    Nothing,
    Reader { reader: Pin<Box<dyn AsyncRead + Send>>, buffer: Vec<u8>, filled: usize },
    Stream(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// A body, after a first look at it.
pub(crate) enum Prepared {
    /// It is there and fits one packet.
    Whole(Bytes),
    /// It does not fit, or is not there yet.
    Streamed(Source),
}

impl Source {
    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self { first: bytes, kind: Kind::Nothing, left: Some(0) }
    }

    pub(super) fn reader(reader: Pin<Box<dyn AsyncRead + Send>>, length: Option<u64>) -> Self {
        let kind = Kind::Reader { reader, buffer: Vec::new(), filled: 0 };
        Self { first: Bytes::new(), kind, left: length }
    }

    pub(super) fn stream(
        stream: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
        length: Option<u64>,
    ) -> Self {
        Self { first: Bytes::new(), kind: Kind::Stream(stream), left: length }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.left.map(|left| left + self.first.len() as u64)
    }

    /// Takes what is there at once, to see whether it fits one packet. It does not wait.
    pub(crate) async fn prepare(self, chunk: usize) -> Result<Prepared, Error> {
        let prepared = self.look(chunk).await;
        prepared.map_err(|error| Error::with_source(ErrorKind::SourceFailed, error))
    }

    async fn look(mut self, chunk: usize) -> io::Result<Prepared> {
        if self.length().is_some_and(|length| length > chunk as u64) {
            return Ok(Prepared::Streamed(self));
        }
        let mut taken = std::mem::take(&mut self.first);
        let ended = poll_fn(|cx| {
            while taken.len() <= chunk {
                match self.poll_kind(cx, chunk + 1 - taken.len()) {
                    Poll::Ready(Ok(Some(bytes))) if taken.is_empty() => taken = bytes,
                    Poll::Ready(Ok(Some(bytes))) => {
                        let mut both = BytesMut::from(std::mem::take(&mut taken));
                        both.extend_from_slice(&bytes);
                        taken = both.freeze();
                    }
                    Poll::Ready(Ok(None)) => return Poll::Ready(Ok(true)),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(false))
        })
        .await?;
        if ended && taken.len() <= chunk {
            return Ok(Prepared::Whole(taken));
        }
        self.first = taken;
        Ok(Prepared::Streamed(self))
    }

    /// The next bytes, as many as are there and at most `max`; nothing at the end.
    pub(crate) async fn next(&mut self, max: usize) -> io::Result<Option<Bytes>> {
        if !self.first.is_empty() {
            let length = self.first.len().min(max);
            return Ok(Some(self.first.split_to(length)));
        }
        let bytes = poll_fn(|cx| self.poll_kind(cx, max)).await?;
        Ok(bytes.map(|mut bytes| {
            self.first = bytes.split_off(bytes.len().min(max));
            bytes
        }))
    }

    fn poll_kind(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Option<Bytes>>> {
        let bytes = ready!(match &mut self.kind {
            Kind::Nothing => Poll::Ready(Ok(None)),
            Kind::Stream(stream) => poll_stream(stream.as_mut(), cx),
            Kind::Reader { reader, buffer, filled } => {
                poll_reader(reader.as_mut(), cx, buffer, filled, max)
            }
        })?;
        let given = bytes.as_ref().map_or(0, Bytes::len) as u64;
        match (&mut self.left, &bytes) {
            (Some(left), Some(_)) if given > *left => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is longer than announced",
            ))),
            (Some(left), None) if *left > 0 => {
                let text = format!("it is {left} bytes shorter than announced");
                Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text)))
            }
            (left, _) => {
                *left = left.map(|left| left - given);
                Poll::Ready(Ok(bytes))
            }
        }
    }
}

fn poll_stream(
    mut stream: Pin<&mut (dyn Stream<Item = io::Result<Bytes>> + Send)>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Bytes>>> {
    loop {
        match ready!(stream.as_mut().poll_next(cx)).transpose()? {
            Some(bytes) if bytes.is_empty() => {}
            bytes => return Poll::Ready(Ok(bytes)),
        }
    }
}

/// Fills the buffer until it is full, the reader ends or the reader pauses; what is in it by then
/// is given.
fn poll_reader(
    mut reader: Pin<&mut (dyn AsyncRead + Send)>,
    cx: &mut Context<'_>,
    buffer: &mut Vec<u8>,
    filled: &mut usize,
    max: usize,
) -> Poll<io::Result<Option<Bytes>>> {
    if buffer.len() < max {
        buffer.resize(max, 0);
    }
    while *filled < max {
        match reader.as_mut().poll_read(cx, &mut buffer[*filled..max]) {
            Poll::Ready(Ok(0)) => break,
            Poll::Ready(Ok(count)) => *filled += count,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if *filled == 0 => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    let given = std::mem::take(filled);
    if given == 0 {
        return Poll::Ready(Ok(None));
    }
    Poll::Ready(Ok(Some(Bytes::copy_from_slice(&buffer[..given]))))
}
