//! The producer of an outgoing body's bytes.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;
use futures_io::AsyncRead;

use crate::{Error, ErrorKind};

pub(crate) struct Producer {
    /// Bytes to return before those of `kind`.
    first: Bytes,
    /// How many bytes at the front of `first` were returned; the next call removes them.
    given: usize,
    kind: ProducerKind,
    /// How many bytes `kind` has yet to yield, if known.
    left: Option<u64>,
}

enum ProducerKind {
    Nothing,
    /// An owned vector. Converting it to `Bytes` would allocate.
    Vec(Vec<u8>),
    Reader(Box<BufferedReader>),
    Stream(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

struct BufferedReader {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    buffer: Vec<u8>,
    filled: usize,
}

/// A body after checking whether it fits one packet.
pub(crate) enum Prepared {
    /// It is available and fits one packet.
    Whole(Bytes),
    /// It does not fit, or is not available yet.
    Streamed(Producer),
}

impl Producer {
    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self { first: bytes, given: 0, kind: ProducerKind::Nothing, left: Some(0) }
    }

    pub(super) fn vec(bytes: Vec<u8>) -> Self {
        let left = Some(bytes.len() as u64);
        Self { first: Bytes::new(), given: 0, kind: ProducerKind::Vec(bytes), left }
    }

    pub(super) fn reader(reader: Pin<Box<dyn AsyncRead + Send>>, length: Option<u64>) -> Self {
        let kind = ProducerKind::Reader(Box::new(BufferedReader {
            reader,
            buffer: Vec::new(),
            filled: 0,
        }));
        Self { first: Bytes::new(), given: 0, kind, left: length }
    }

    pub(super) fn stream(
        stream: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
        length: Option<u64>,
    ) -> Self {
        Self { first: Bytes::new(), given: 0, kind: ProducerKind::Stream(stream), left: length }
    }

    /// Returns the whole body, if it is in memory.
    pub(super) fn in_memory(&self) -> Option<&[u8]> {
        self.whole(usize::MAX)
    }

    /// Copies the body, if it is in memory, which the copies share.
    pub(super) fn share(&mut self) -> Option<Self> {
        if let ProducerKind::Vec(bytes) = &mut self.kind {
            *self = Self::bytes(std::mem::take(bytes).into());
        }
        match &self.kind {
            ProducerKind::Nothing => Some(Self::bytes(self.first.clone())),
            _ => None,
        }
    }

    /// Returns the next bytes, at most `max` if they are read; `None` at the end.
    pub(super) fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if self.first.is_empty() {
            return self.poll_kind(cx, max);
        }
        Poll::Ready(Ok(Some(std::mem::take(&mut self.first))))
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.left.map(|left| left + self.first.len() as u64)
    }

    /// Returns the whole body, if it is in memory and has at most `chunk` bytes.
    pub(crate) fn whole(&self, chunk: usize) -> Option<&[u8]> {
        let whole = match &self.kind {
            ProducerKind::Nothing => &*self.first,
            ProducerKind::Vec(bytes) => bytes,
            ProducerKind::Reader(_) | ProducerKind::Stream(_) => return None,
        };
        (whole.len() <= chunk).then_some(whole)
    }

    /// Reads what is available without waiting, to see whether the body fits one packet.
    pub(crate) async fn prepare(self, chunk: usize) -> Result<Prepared, Error> {
        if self.whole(chunk).is_some() {
            return Ok(Prepared::Whole(match self.kind {
                ProducerKind::Vec(bytes) => bytes.into(),
                _ => self.first,
            }));
        }
        // Boxed: few bodies need it, but every caller's future would hold its state.
        let prepared = Box::pin(self.look(chunk)).await;
        prepared.map_err(|error| Error::with_cause(ErrorKind::BodyFailed, error))
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

    /// Returns the next bytes, as many as are available and at most `max`; `None` at the end.
    /// Borrows from the reader's buffer, so that bytes are copied once, into their packet.
    pub(crate) async fn next(&mut self, max: usize) -> io::Result<Option<&[u8]>> {
        self.first.advance(std::mem::take(&mut self.given));
        if self.first.is_empty() {
            if matches!(self.kind, ProducerKind::Reader(_)) {
                return self.read(max).await;
            }
            match poll_fn(|cx| self.poll_kind(cx, max)).await? {
                Some(bytes) => self.first = bytes,
                None => return Ok(None),
            }
        }
        self.given = self.first.len().min(max);
        Ok(Some(&self.first[..self.given]))
    }

    async fn read(&mut self, max: usize) -> io::Result<Option<&[u8]>> {
        let ProducerKind::Reader(reader) = &mut self.kind else {
            return Ok(None);
        };
        let count = poll_fn(|cx| reader.fill(cx, max)).await?;
        count_off(&mut self.left, count)?;
        Ok((count > 0).then_some(&reader.buffer[..count]))
    }

    fn poll_kind(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Option<Bytes>>> {
        let bytes = ready!(match &mut self.kind {
            ProducerKind::Nothing => Poll::Ready(Ok(None)),
            ProducerKind::Vec(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready(Ok((!bytes.is_empty()).then(|| bytes.into())))
            }
            ProducerKind::Stream(stream) => poll_stream(stream.as_mut(), cx),
            ProducerKind::Reader(reader) => {
                let count = ready!(reader.fill(cx, max))?;
                let bytes = || Bytes::copy_from_slice(&reader.buffer[..count]);
                Poll::Ready(Ok((count > 0).then(bytes)))
            }
        })?;
        count_off(&mut self.left, bytes.as_ref().map_or(0, Bytes::len))?;
        Poll::Ready(Ok(bytes))
    }
}

/// Subtracts `given` bytes from the announced length; `given` is 0 at the end.
///
/// # Errors
/// The producer yields more or fewer bytes than announced.
fn count_off(left: &mut Option<u64>, given: usize) -> io::Result<()> {
    let Some(announced) = left else { return Ok(()) };
    match announced.checked_sub(given as u64) {
        None => {
            let text = "it is longer than announced";
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
        Some(rest) if given == 0 && rest > 0 => {
            let text = format!("it is {rest} bytes shorter than announced");
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
        }
        Some(rest) => {
            *left = Some(rest);
            Ok(())
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

impl BufferedReader {
    /// Fills the buffer until it is full or the reader ends or pauses, and returns the number of
    /// bytes in it.
    fn fill(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<usize>> {
        let Self { reader, buffer, filled } = self;
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
        Poll::Ready(Ok(std::mem::take(filled)))
    }
}
