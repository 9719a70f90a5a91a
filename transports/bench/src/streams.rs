//! Long bodies.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use conduit::{Encoder, Message};
use futures_io::AsyncRead;
use futures_lite::StreamExt;

/// A reader of so many bytes that are there at once.
#[derive(Debug)]
pub struct Pattern {
    left: u64,
}

impl Pattern {
    /// A reader of so many bytes.
    #[must_use]
    pub fn new(length: u64) -> Self {
        Self { left: length }
    }
}

impl AsyncRead for Pattern {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        buffer[..count].fill(7);
        self.left -= count as u64;
        Poll::Ready(Ok(count))
    }
}

/// Reads a message to its end, and returns how long it is.
///
/// # Panics
/// Where it does not arrive whole.
pub async fn read_whole<E: Encoder>(message: &Message<E>) -> u64 {
    let mut body = message.take_body().expect("nobody has taken it");
    let mut length = 0;
    while let Some(bytes) = body.next().await {
        let bytes = bytes.expect("it arrives whole");
        length += bytes.len() as u64;
    }
    length
}
