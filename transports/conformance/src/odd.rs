//! Sources that behave as badly as they may.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_lite::AsyncRead;

use crate::pattern::Pattern;

/// A reader and a stream of a pattern: in pieces of one byte, of odd lengths and of more than a
/// chunk, with pauses in between.
pub(crate) struct Odd {
    pattern: Pattern,
    at: u64,
    pieces: &'static [usize],
    turn: usize,
    stop: Option<Stop>,
    given: Given,
}

/// Where a producer waits or fails.
struct Stop {
    at: u64,
    /// Until it is open, the producer waits.
    gate: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    error: Option<&'static str>,
}

/// How much a producer has given so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given(Arc<AtomicU64>);

/// Dropped, it lets the producer go on.
pub(crate) struct Gate {
    _open_when_dropped: async_channel::Sender<()>,
}

/// A pause, which ends by itself.
const PAUSE: usize = 0;

impl Odd {
    pub(crate) fn new(pattern: Pattern) -> Self {
        const PIECES: &[usize] = &[1, 16_381, PAUSE, 61, 65_537, 2, PAUSE, 4_093];
        Self { pattern, at: 0, pieces: PIECES, turn: 0, stop: None, given: Given::default() }
    }

    /// As fast as it is asked.
    pub(crate) fn fast(pattern: Pattern) -> Self {
        let pieces = &[usize::MAX];
        Self { pieces, ..Self::new(pattern) }
    }

    /// Pauses before the first byte, so that a body of any size is streamed.
    pub(crate) fn late(pattern: Pattern) -> Self {
        let pieces = &[PAUSE, usize::MAX];
        Self { pieces, ..Self::new(pattern) }
    }

    /// Waits at an offset for a gate.
    pub(crate) fn waits(mut self, at: u64) -> (Gate, Self) {
        let (sender, opened) = async_channel::bounded(1);
        let gate = Box::pin(async move {
            opened.recv().await.ok();
        });
        self.stop_at(at).gate = Some(gate);
        let gate = Gate { _open_when_dropped: sender };
        (gate, self)
    }

    /// Fails at an offset; if there is a gate, once it is open.
    pub(crate) fn fails(mut self, at: u64, text: &'static str) -> Self {
        self.stop_at(at).error = Some(text);
        self
    }

    pub(crate) fn given(&self) -> Given {
        self.given.clone()
    }

    fn stop_at(&mut self, at: u64) -> &mut Stop {
        let fresh = Stop { at, gate: None, error: None };
        self.stop.get_or_insert(fresh)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let mut max = max;
        match &mut self.stop {
            Some(stop) if stop.at > self.at => {
                max = max.min(usize::try_from(stop.at - self.at).unwrap_or(usize::MAX));
            }
            Some(stop) => {
                if let Some(gate) = &mut stop.gate {
                    ready!(gate.as_mut().poll(cx));
                }
                if let Some(text) = stop.error {
                    return Poll::Ready(Err(io::Error::other(text)));
                }
                self.stop = None;
            }
            None => {}
        }
        let piece = self.pieces[self.turn % self.pieces.len()];
        self.turn += 1;
        if piece == PAUSE {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let bytes = self.pattern.piece(self.at, max.min(piece));
        self.at += bytes.len() as u64;
        self.given.0.store(self.at, Ordering::SeqCst);
        Poll::Ready(Ok(bytes))
    }
}

impl Given {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl AsyncRead for Odd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = ready!(self.poll_piece(cx, buffer.len()))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl Stream for Odd {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let bytes = ready!(self.poll_piece(cx, usize::MAX));
        match bytes {
            Ok(bytes) if bytes.is_empty() => Poll::Ready(None),
            bytes => Poll::Ready(Some(bytes)),
        }
    }
}
