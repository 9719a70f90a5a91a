//! Requests: to one answerer, and to all.

mod all;
mod asking;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

pub use self::all::Replies;
use self::asking::{Asking, Takes};
use crate::{
    Encoder, Error, ErrorKind, Message,
    call::lazy::Lazy,
    call::outgoing::Outgoing,
    driver::{Answer, Endpoint, NoAnswer},
    handle::Handle,
    layer::{Around, Begun, CallKind, Done, OutboundCall, Outcome},
};

/// A request, which is sent when this is awaited, and yields the reply.
///
/// A future: it can be spawned, joined and raced as it is. Once it was polled, its methods change
/// nothing.
///
/// If the subject has queue bindings, one of them answers; otherwise every plain binding may
/// answer, and the first reply wins. The reply may arrive before the whole body of the request was
/// sent; the rest is then sent in the background, as far as receivers read it.
///
/// The timeout covers everything up to the last byte of the reply. Dropping the future before it
/// completes cancels the request, at the receivers too.
///
/// # Errors
/// [`Error::executed`] tells of each whether the handler was executed.
/// - `NoReceivers`, at once, if nothing is bound and the broker reports that; otherwise `NoAnswer`
///   after the send timeout. A failure of a plain binding also ends as `NoAnswer`, with the failure
///   as its cause, if the broker does not report that there is no group: a member may have the
///   request and be slow.
/// - `Overloaded` and `Draining` if the receivers refused every attempt until the deadline was
///   near. If a plain binding beside the group may have run, `executed` says so.
/// - `NotDecoded`, `HandlerFailed` (with the [`Failure`](crate::Failure), if the handler returned
///   one), `HandlerPanicked`, `NoReply` and `TooLarge` from the handler.
/// - `Lost` if the receiver that had the request was silent for the idle limit, `Deadline`, and
///   those of [`Sending`](crate::Sending). If nothing had left this conduit by then, or no receiver
///   of its body was confirmed, nothing was executed.
///
/// # Example
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, Error, ErrorKind};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("sum").await?.serve(async |numbers: Vec<u64>| {
///     Ok::<_, Error>(numbers.iter().sum::<u64>())
/// });
/// let service = conduit.own_service();
///
/// let reply = service.request("sum", &[20, 22]).timeout(Duration::from_secs(5)).await?;
/// assert_eq!(reply.decode::<u64>().await?, 42);
///
/// let error = service.request("product", &[6, 7]).await.expect_err("it has no binding");
/// assert_eq!(error.kind(), ErrorKind::NoReceivers);
/// assert!(error.is_retryable());
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct Requesting<E>(Lazy<RequestSetup<E>, Result<Message<E>, Error>>);

/// A request that has not been sent.
pub(crate) struct RequestSetup<E> {
    pub(crate) outgoing: Outgoing,
    pub(crate) handle: Handle<E>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) inherited: Option<Instant>,
}

impl<E: Encoder> Requesting<E> {
    pub(crate) fn new(setup: RequestSetup<E>) -> Self {
        Self(Lazy::New(setup))
    }

    /// Sets the timeout of the request, up to the last byte of the reply.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.map(|setup| RequestSetup { timeout: Some(timeout), ..setup }))
    }

    /// Removes the timeout: the caller ends the request by dropping the future.
    pub fn no_timeout(self) -> Self {
        Self(self.0.map(|setup| RequestSetup { timeout: None, ..setup }))
    }

    /// Adds a header. An invalid header is reported when this is awaited.
    pub fn header(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        Self(self.0.map(|mut setup| {
            setup.outgoing.header(key.as_ref(), value.as_ref());
            setup
        }))
    }
}

type Asked<E> = Result<Message<E>, Error>;

impl<E> RequestSetup<E> {
    /// Returns the deadline of the request, if it is made now.
    fn deadline(&self) -> Option<Instant> {
        let now = self.handle.shared().now();
        let own = self.timeout.and_then(|timeout| now.checked_add(timeout));
        own.into_iter().chain(self.inherited).min()
    }
}

impl<E: Encoder> RequestSetup<E> {
    #[inline(always)]
    fn start(self) -> Lazy<Self, Asked<E>> {
        if self.outgoing.is_layered() {
            return self.pass_layers();
        }
        Lazy::Running(Box::pin(self.run()))
    }

    #[inline]
    fn run(self) -> impl Future<Output = Result<Message<E>, Error>> + Send + use<E> {
        let deadline = self.deadline();
        let Self { outgoing, handle, .. } = self;
        ask(outgoing, deadline, move |to, answer| {
            let around = Around::default();
            Message::reply_to(handle, to.subject().clone(), answer, deadline, around)
        })
    }

    fn pass_layers(self) -> Lazy<Self, Asked<E>> {
        let deadline = self.deadline();
        let Self { outgoing, handle, .. } = self;
        let (subject, around) = (outgoing.subject(), outgoing.of_conduit());
        let passing =
            outgoing.pass_layers(CallKind::Request, passed, |call| call.0.deadline = deadline);
        let (passing, subject) = match passing.and_then(|passing| Ok((passing, subject?))) {
            Ok(passing) => passing,
            Err(error) => return Lazy::failed(error),
        };
        Lazy::Running(Box::pin(async move {
            match passing.await.finish()? {
                (Done::Reply(answer, deadline), _) => {
                    Ok(Message::reply_to(handle, subject, answer, deadline, around))
                }
                _ => Err(Outcome::of_another_call()),
            }
        }))
    }
}

/// Asks when the layers are passed.
fn passed(call: OutboundCall) -> Begun {
    let deadline = call.0.deadline;
    let asking = ask(Outgoing::of_call(call), deadline, |_, answer| answer);
    Begun::Running(Box::pin(async move {
        Outcome::from(asking.await.map(|answer| Done::Reply(answer, deadline)))
    }))
}

/// Asks, and waits for the reply.
#[expect(clippy::manual_async_fn, reason = "a function would keep what it is given twice")]
fn ask<T>(
    outgoing: Outgoing,
    deadline: Option<Instant>,
    reply: impl FnOnce(&Endpoint, Answer) -> T + Send,
) -> impl Future<Output = Result<T, Error>> + Send {
    async move {
        let (message, ready, body) = asking::check(outgoing, deadline, false)?;
        let body = asking::prepare(&ready, body, deadline).await?;
        let mut asking = Asking::begin(message, ready, body, deadline, &Takes::First)?;
        let answer = match asking.next().await {
            Ok(answer) => answer,
            Err(NoAnswer::Silence(error)) => Err(error),
            // Give up first: a receiver that is not confirmed by then never will be.
            Err(NoAnswer::Deadline) => {
                Err(Error::from(ErrorKind::Deadline).with_executed(asking.give_up()))
            }
        };
        let to = Arc::clone(&asking.ready.to);
        let mut answer = answer.map_err(|error| to.about(error))?;
        asking.end();
        answer.content.limit_time(deadline);
        Ok(reply(&to, answer))
    }
}

impl<E: Encoder> Future for Requesting<E> {
    type Output = Result<Message<E>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, RequestSetup::start)
    }
}

impl<E> fmt::Debug for Requesting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requesting").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::lazy::tests::{MOST, size_of_future};

    struct Plain;

    impl Encoder for Plain {
        fn content_type(&self) -> &'static str {
            "text/plain"
        }
    }

    #[test]
    fn its_future_is_small() {
        let size = size_of_future(RequestSetup::<Plain>::run);
        assert!(size <= MOST, "{size} bytes");
    }
}
