//! What is set up by its methods, and runs once it is awaited.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// The state of a future that begins with its first poll.
// Most messages are never moved out of the first state, and a box would cost more than its size.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Lazy<S, T> {
    New(S),
    Running(Pin<Box<dyn Future<Output = T> + Send>>),
    Done,
}

impl<S, T> Lazy<S, T> {
    /// Changes what is set up. Does nothing once it runs.
    pub(crate) fn map(self, change: impl FnOnce(S) -> S) -> Self {
        match self {
            Self::New(setup) => Self::New(change(setup)),
            running => running,
        }
    }

    /// Runs it; the first time it is started.
    #[inline]
    pub(crate) fn poll<F>(&mut self, cx: &mut Context<'_>, start: impl FnOnce(S) -> F) -> Poll<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        if matches!(self, Self::New(_))
            && let Self::New(setup) = std::mem::replace(self, Self::Done)
        {
            *self = Self::Running(Box::pin(start(setup)));
        }
        let Self::Running(running) = self else {
            panic!("a future is not polled after its end");
        };
        let result = running.as_mut().poll(cx);
        if result.is_ready() {
            *self = Self::Done;
        }
        result
    }
}

#[cfg(test)]
pub(crate) mod tests {
    /// What is larger is slow to allocate: glibc keeps nothing larger at hand for a thread
    /// (`glibc.malloc.tcache_max`, GNU C Library manual).
    pub(crate) const MOST: usize = 1032;

    /// How many bytes a future has that is started like this.
    pub(crate) fn size_of_future<S, F>(_: impl FnOnce(S) -> F) -> usize {
        size_of::<F>()
    }
}
