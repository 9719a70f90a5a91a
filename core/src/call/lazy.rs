//! A future that is configured by methods, and starts when it is first polled.

use std::task::{Context, Poll};

use crate::{
    Error,
    layer::{Boxed, Outcome},
};

/// The state of a future that starts with its first poll.
// Most messages never leave the first state, where a box would cost more than the size.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Lazy<S, T> {
    New(S),
    Running(Boxed<'static, T>),
    /// It passes layers, and a function makes the result of their outcome.
    Layered(Boxed<'static, Outcome>, fn(Outcome) -> T),
    Done,
}

impl<S, T: Send + 'static> Lazy<S, Result<T, Error>> {
    /// Creates a future that fails without waiting.
    pub(crate) fn failed(error: Error) -> Self {
        Self::Running(Box::pin(async { Err(error) }))
    }
}

impl<S, T> Lazy<S, T> {
    /// Changes the configuration. Has no effect once it runs.
    pub(crate) fn map(self, change: impl FnOnce(S) -> S) -> Self {
        match self {
            Self::New(setup) => Self::New(change(setup)),
            running => running,
        }
    }

    /// Ends the future before it starts, if its result is there at once: then its configuration, which
    /// is large, does not move.
    #[inline]
    pub(crate) fn end_now(&mut self, result: impl FnOnce(&mut S) -> Option<T>) -> Option<T> {
        let Self::New(setup) = self else { return None };
        let result = result(setup)?;
        *self = Self::Done;
        Some(result)
    }

    /// Polls the future; the first call starts it.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, start: impl FnOnce(S) -> Self) -> Poll<T> {
        if matches!(self, Self::New(_))
            && let Self::New(setup) = std::mem::replace(self, Self::Done)
        {
            *self = start(setup);
        }
        let result = match self {
            Self::Running(running) => running.as_mut().poll(cx),
            Self::Layered(passing, finish) => passing.as_mut().poll(cx).map(*finish),
            Self::New(_) | Self::Done => panic!("a future is not polled after its end"),
        };
        if result.is_ready() {
            *self = Self::Done;
        }
        result
    }
}

#[cfg(test)]
pub(crate) mod tests {
    /// The largest size that is fast to allocate: glibc caches no larger blocks for a thread
    /// (`glibc.malloc.tcache_max`, GNU C Library manual).
    pub(crate) const MOST: usize = 1032;

    /// Returns the size of the future that a function returns, in bytes.
    pub(crate) fn size_of_future<S, F>(_: impl FnOnce(S) -> F) -> usize {
        size_of::<F>()
    }
}
