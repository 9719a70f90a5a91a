use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    Encoder, Message,
    conduit::Handle,
    driver::Bound,
    handler::{self, Handler, HandlerOutput},
};

/// A subject that a conduit is bound to, as a queue of messages.
///
/// Messages wait in it, 1,024 at most (see
/// [`max_waiting_messages`](crate::Builder::max_waiting_messages)). Where one-way messages come
/// faster than they are taken, the newest are dropped and [counted](Self::lost); requests and
/// streamed bodies are refused instead, and their senders told. Messages of one sender come in the
/// order in which they were sent.
///
/// It is a loop or a handler: take messages with [`next`](Self::next) or as a [`Stream`], or give
/// them [`to`](Self::to) a function. Dropping it unbinds: a queue binding gives the messages that
/// wait in it back to the group.
pub struct Binding<E> {
    bound: Bound,
    handle: Handle,
    encoder: Arc<E>,
}

impl<E: Encoder> Binding<E> {
    pub(crate) fn new(bound: Bound, handle: Handle, encoder: Arc<E>) -> Self {
        Self { bound, handle, encoder }
    }

    /// The next message. `None` once it is unbound and everything that was routed to it was taken,
    /// or the conduit is closed.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Message<E>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &Context<'_>) -> Poll<Option<Message<E>>> {
        self.bound.mailbox.poll_next(cx).map(|arrival| {
            let arrival = arrival?;
            Some(Message::received(self.handle.clone(), Arc::clone(&self.encoder), arrival))
        })
    }

    /// Runs a function on each message, one after the other, until it is unbound or the conduit is
    /// closed.
    ///
    /// The function may return `()` or a `Result`. An `Err` and a panic are logged, answer a
    /// request with a failure, and do not end the binding. The future of a request that is
    /// cancelled by its asker is dropped where it awaits.
    pub fn to<F, R>(self, function: F) -> Handler
    where
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        let Self { bound, handle, encoder } = self;
        handler::run(bound, &handle, encoder, function)
    }

    /// Unbinds when a future is done. The messages that were routed to it by then can still be
    /// taken.
    #[must_use]
    pub fn until(self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.bound.unbind_after(done);
        self
    }

    /// Asks the broker to route nothing more here, and returns when it has done so and everything
    /// that it had routed has arrived; that can still be taken. Where another
    /// binding of this conduit shares the subject, it returns at once. Unbinding twice is fine.
    ///
    /// Cancel safe: once begun, it goes on by itself.
    pub async fn unbind(&self) {
        self.bound.start_unbind();
        self.bound.mailbox.completed().await;
    }

    /// Whether it was not unbound.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.bound.is_bound()
    }

    /// How many one-way messages it has dropped because it was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bound.mailbox.lost.get()
    }

    /// How many messages wait in it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bound.mailbox.waiting()
    }
}

impl<E: Encoder> Stream for Binding<E> {
    type Item = Message<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message<E>>> {
        self.poll_message(cx)
    }
}

impl<E> fmt::Debug for Binding<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("is_bound", &self.bound.is_bound())
            .field("waiting", &self.bound.mailbox.waiting())
            .finish_non_exhaustive()
    }
}
