use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    Decode, Encode, Encoder, Message,
    driver::Bound,
    handle::Handle,
    handler::{self, Handler, HandlerOutput},
};

/// A subject that a conduit is bound to, as a queue of messages.
///
/// Messages wait in it, 1,024 of them and 4 MiB at most (see
/// [`max_waiting_messages`](crate::Builder::max_waiting_messages) and
/// [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding)). Where one-way messages come
/// faster than they are taken, the newest are dropped and [counted](Self::lost); requests and
/// streamed bodies are refused instead, and their senders told. A `bind` counts them too: nothing
/// else gets its copy. Messages of one sender, an instance, come in the order in which they were
/// sent; those of another sender never wait for them.
///
/// A queue binding gives a request that has waited in it for 100 ms (see
/// [`max_request_wait`](crate::Builder::max_request_wait)) back to the group, whether its handlers
/// are at work or the loop that reads it is slow.
///
/// It is a loop or a handler: take messages with [`next`](Self::next) or as a [`Stream`], or give
/// them [`to`](Self::to) a function. Dropping it unbinds: a queue binding gives the messages that
/// wait in it back to the group.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("mail-service", Smol, Memory::new(), Json)?;
/// let mut created = conduit.bind("user.created").await?;
/// for name in ["Ada", "Grace"] {
///     conduit.own_service().send("user.created", name).await?;
/// }
///
/// created.unbind().await; // what was routed to it by then is still yielded
/// let mut names = Vec::new();
/// while let Some(message) = created.next().await {
///     names.push(message.decode::<String>().await?);
/// }
/// assert_eq!(names, ["Ada", "Grace"]);
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a dropped binding unbinds: take its messages with `next`, or give `to` or `serve` a function"]
pub struct Binding<E> {
    bound: Bound,
    handle: Handle<E>,
    concurrency: usize,
}

impl<E: Encoder> Binding<E> {
    pub(crate) fn new(bound: Bound, handle: Handle<E>) -> Self {
        Self { bound, handle, concurrency: 1 }
    }

    /// The next message. `None` once it is unbound and everything that was routed to it was taken,
    /// or the conduit is closed.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Message<E>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &Context<'_>) -> Poll<Option<Message<E>>> {
        self.bound.poll_next(cx).map(|arrival| {
            let message = Message::received(self.handle.clone(), arrival?);
            message.begin();
            Some(message)
        })
    }

    /// How many handlers of this binding may run at the same time; 1 unless this says otherwise, so
    /// that messages are handled in their order, one after the other. Of more, each runs in a task
    /// of its own, and they start in the order of their messages.
    ///
    /// While all of them run, messages wait in the binding. The sender of a request that goes back
    /// to the group asks it again, with pauses, until somebody takes it or its deadline is near, and
    /// then fails with `Overloaded`. So a request does not wait behind a long one while another
    /// instance has nothing to do.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Runs a function on each message until it is unbound or the conduit is closed: one after the
    /// other, or [some at the same time](Self::concurrency).
    ///
    /// The function may return `()` or a `Result`. An `Err` and a panic are logged, answer a
    /// request with a failure, and do not end the binding. The future of a request that is
    /// cancelled by its asker, or whose time has passed, is dropped where it awaits.
    pub fn to<F, R>(self, mut function: F) -> Handler
    where
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        self.run(move |message| {
            message.begin();
            function(message)
        })
    }

    /// Runs a function on the decoded value of each message, and replies with the value that it
    /// returns. Where a message is no request, what is returned is dropped.
    ///
    /// A message that cannot be decoded, an `Err` and a panic are logged, answer a request with a
    /// failure, and do not end the binding: all as with [`to`](Self::to). An error that is a
    /// [`Failure`](crate::Failure) says more to the asker than its text. State is what the function
    /// captures; it is shared by all that run at the same time.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use conduit::{Conduit, Error};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), Error> {
    /// # smol::block_on(async {
    /// let conduit = Conduit::new("counter", Smol, Memory::new(), Json)?;
    /// let total = std::sync::Arc::new(AtomicU64::new(0));
    /// conduit.queue_bind("add").await?.serve(move |amount: u64| {
    ///     let before = total.fetch_add(amount, Ordering::Relaxed);
    ///     async move { Ok::<_, Error>(before + amount) }
    /// });
    /// let add = |amount: u64| conduit.own_service().request("add", &amount);
    /// assert_eq!(add(2).await?.decode::<u64>().await?, 2);
    /// assert_eq!(add(3).await?.decode::<u64>().await?, 5);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn serve<T, V, X, F, R>(self, function: F) -> Handler
    where
        E: Decode<T> + Encode<V>,
        T: Send + 'static,
        V: Send + 'static,
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output = Result<V, X>> + Send + 'static,
    {
        self.serve_with(move |value, _| function(value))
    }

    /// Like [`serve`](Self::serve), for a function that also takes the message that the value came
    /// in: who sent it, its headers, the time that is left, [when nobody needs the reply any
    /// more](Message::cancelled), and [requests on its behalf](Message::service).
    pub fn serve_with<T, V, X, F, R>(self, function: F) -> Handler
    where
        E: Decode<T> + Encode<V>,
        T: Send + 'static,
        V: Send + 'static,
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        F: Fn(T, Message<E>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<V, X>> + Send + 'static,
    {
        let function = Arc::new(function);
        self.run(move |message| handler::serve(Arc::clone(&function), message))
    }

    fn run<F, R>(self, function: F) -> Handler
    where
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        let Self { bound, handle, concurrency } = self;
        handler::run(bound, &handle, concurrency, function)
    }

    /// Unbinds when a future is done. The messages that were routed to it by then can still be
    /// taken.
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

    /// How many messages it has lost because it was full: what it received and this are all that
    /// came. A `bind` counts whatever it has refused, and what was offered to it and came too late;
    /// a queue binding one-way messages alone, since other members get the rest.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bound.mailbox.lost.get()
    }

    /// How many messages were lost on the way here, by the broker or between it and us, as far as
    /// what came later shows: the messages of one sender to this subject are numbered. Of a
    /// [`queue_bind`](crate::Conduit::queue_bind) it is 0, since others get messages too.
    ///
    /// What a sender gave up is counted too: one that a limit forbade, or that waited in vain for a
    /// connection. One message can show the loss of 1,048,576 others at most.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.bound.mailbox.missed.get()
    }

    /// How many messages wait in it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bound.mailbox.waiting()
    }

    /// How many bytes of packets wait in it: see
    /// [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding).
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.bound.mailbox.waiting_bytes()
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
