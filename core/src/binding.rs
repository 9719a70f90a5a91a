mod counts;
mod layered;
mod typed;
mod with_state;

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

pub use self::{
    typed::{BindTo, TypedBinding, TypedBindingWithState},
    with_state::{BindingWithState, StateHandler},
};
use crate::{
    Decode, Encode, Encoder, Failure, Message,
    driver::{Arrival, Bound},
    error::FailureMap,
    handle::Handle,
    layer::Around,
    worker::{self, HandlerOutput, Worker},
};

/// A queue of the messages that arrive on one subject.
///
/// Read it in a loop with [`next`](Self::next) or as a [`Stream`], or pass the messages
/// [`to`](Self::to) a function. Dropping it unbinds; a queue binding then returns its waiting
/// messages to the group.
///
/// The queue holds at most 1,024 messages and 4 MiB (see
/// [`max_waiting_messages`](crate::Builder::max_waiting_messages) and
/// [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding)). When it is
/// full, new one-way messages are dropped and [counted](Self::lost); requests and streamed bodies
/// are refused with an answer to the sender. A plain binding counts refused messages too, since no
/// other binding receives its copy.
///
/// Messages of one sender, an instance, arrive in the order in which they were sent; messages of
/// different senders never wait for each other.
///
/// A loop over it that always finds a message lets other tasks of its thread run after 128: the future
/// of the next one is then pending once, though it waits already.
///
/// A queue binding returns a request that has waited for 100 ms (see
/// [`max_request_wait`](crate::Builder::max_request_wait)) to the group, whether its handlers are
/// busy or the loop that reads it is slow.
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
    failure_map: Option<FailureMap>,
    around: Around,
}

impl<E: Encoder> Binding<E> {
    pub(crate) fn new(bound: Bound, handle: Handle<E>, around: Around) -> Self {
        Self { bound, handle, concurrency: 1, failure_map: None, around }
    }

    /// Waits for the next message. Returns `None` once the binding is unbound and everything routed
    /// to it has been taken, or the conduit is closed.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Message<E>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &Context<'_>) -> Poll<Option<Message<E>>> {
        if !self.around.is_empty() {
            return self.poll_admitted(cx);
        }
        match self.bound.poll_next(cx) {
            Poll::Ready(Some(arrival)) => Poll::Ready(Some(self.message(arrival))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline(always)]
    fn message(&self, arrival: Arrival) -> Message<E> {
        arrival.start();
        arrival.begin();
        self.bound.record().tally.read();
        Message::received(self.handle.clone(), arrival, self.around.clone())
    }

    /// Sets how many handlers of this binding may run concurrently. The default is 1: messages are
    /// handled in order, one after the other. With more, each handler runs in its own task, and
    /// they start in the order of their messages.
    ///
    /// While all handlers are busy, messages wait in the binding. The sender of a request that goes
    /// back to the group offers it again, with pauses, until a member takes it or the deadline is
    /// near, and then fails with `Overloaded`. So a request does not wait behind a long one while
    /// another instance is idle.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Turns errors of this binding's handlers into [`Failure`]s, as
    /// [`Builder::map_failure`](crate::Builder::map_failure) does for all bindings: what this does
    /// not map, that one may.
    pub fn map_failure(
        mut self,
        map: impl Fn(&(dyn StdError + 'static)) -> Option<Failure> + Send + Sync + 'static,
    ) -> Self {
        self.failure_map = Some(FailureMap::new(map));
        self
    }

    /// Runs a function on each message, one after the other or [concurrently](Self::concurrency),
    /// until the worker is unbound or the conduit is closed.
    ///
    /// The function may return `()` or a `Result`. An `Err` or a panic is logged, answers a request
    /// with a failure, and does not end the binding. If the asker cancels a request or its deadline
    /// passes, the future of the function is dropped at its current await point.
    pub fn to<F, R>(self, mut function: F) -> Worker
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
    /// returns. If the message is not a request, the returned value is dropped.
    ///
    /// As with [`to`](Self::to), a message that cannot be decoded, an `Err` or a panic is logged,
    /// answers a request with a failure, and does not end the binding. A
    /// [`Failure`](crate::Failure) gives the asker a code and details besides the text. The
    /// function keeps state in what it captures; concurrent calls share it.
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
    pub fn serve<T, V, X, F, R>(self, function: F) -> Worker
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

    /// Like [`serve`](Self::serve), for a function that also takes the message: for its source, its
    /// headers, the remaining time, [cancellation](Message::cancelled), and [requests on its
    /// behalf](Message::service).
    pub fn serve_with<T, V, X, F, R>(self, function: F) -> Worker
    where
        E: Decode<T> + Encode<V>,
        T: Send + 'static,
        V: Send + 'static,
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        F: Fn(T, Message<E>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<V, X>> + Send + 'static,
    {
        let function = Arc::new(function);
        self.run(move |message| worker::serve(Arc::clone(&function), message))
    }

    /// Runs a function on the decoded value of each message, without a reply.
    fn values_to<T, F, R>(self, function: F) -> Worker
    where
        E: Decode<T>,
        T: Send + 'static,
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        let function = Arc::new(function);
        self.run(move |message| worker::take(Arc::clone(&function), message))
    }

    fn run<F, R>(self, function: F) -> Worker
    where
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        let Self { bound, handle, concurrency, failure_map, around } = self;
        worker::run(bound, &handle, concurrency, failure_map, around, function)
    }

    /// Unbinds when a future completes. Messages that were routed here by then can still be taken.
    pub fn until(self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.bound.unbind_after(done);
        self
    }

    /// Unsubscribes, and returns when the broker has stopped routing here and everything it had
    /// routed has arrived; those messages can still be taken. If another binding of this conduit
    /// shares the subject, this returns at once. Unbinding twice has no effect.
    ///
    /// Cancel safe: once started, unbinding continues even if the future is dropped.
    pub async fn unbind(&self) {
        self.bound.start_unbind();
        self.bound.mailbox.completed().await;
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
