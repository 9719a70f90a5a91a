use std::{any::Any, fmt, time::Instant};

use super::{End, Ending, Refusal, call::To, ending::Hooks};
use crate::{
    Delivery, Error, ErrorKind, Executed, Headers, Source,
    driver::{Answer, Content},
    proto::frame::ContentType,
};

/// What has become of an [`OutboundCall`](super::OutboundCall).
///
/// It comes from [`Next::run`](super::Next::run), or a layer makes one of an [`Error`] or of a
/// [`Refusal`].
///
/// ```
/// use std::time::Duration;
///
/// use conduit::layer::{End, Layer, Next, OutboundCall, Outcome};
///
/// /// Tells how long calls take, to the last byte of their replies.
/// struct Took(fn(Duration, bool));
///
/// impl Layer for Took {
///     async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
///         let (clock, tell) = (call.clock(), self.0);
///         let before = clock.now();
///         let mut outcome = next.run(call).await;
///         outcome.on_end(move |end| {
///             tell(clock.now() - before, matches!(end, End::Complete));
///         });
///         outcome
///     }
/// }
/// ```
#[must_use = "it is what the caller gets"]
pub struct Outcome {
    done: Result<Done, Error>,
    /// Few calls have any.
    hooks: Option<Box<AllHooks>>,
}

#[derive(Default)]
struct AllHooks {
    on_end: Hooks,
    on_reply: Vec<OnReply>,
}

/// The head of a reply.
#[derive(Clone, Copy)]
pub struct ReplyHead<'a>(&'a Answer);

pub(super) type OnReply = Box<dyn FnMut(Result<ReplyHead<'_>, &Error>) + Send>;

/// A call that has succeeded.
pub(crate) enum Done {
    Sent(Delivery),
    /// A reply was sent.
    Replied,
    /// The reply to a request, and the deadline of its body.
    Reply(Answer, Option<Instant>),
    /// A request to all in progress.
    Asked(Box<dyn Any + Send>),
}

impl Outcome {
    /// Creates the outcome of a call that a layer has given up, with a text for people.
    pub fn failed(kind: ErrorKind, text: impl Into<String>, executed: Executed) -> Self {
        Self::from(Error::new(kind, text).with_executed(executed))
    }

    /// Returns the error, if it failed. For a request to all, only an error that concerns the whole.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.done.as_ref().err()
    }

    /// Returns what is known of the receivers of a send.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        match &self.done {
            Ok(Done::Sent(delivery)) => Some(delivery),
            _ => None,
        }
    }

    /// Returns the reply to a request. Its body may still be arriving.
    #[must_use]
    pub fn reply(&self) -> Option<ReplyHead<'_>> {
        match &self.done {
            Ok(Done::Reply(answer, _)) => Some(ReplyHead(answer)),
            _ => None,
        }
    }

    /// Calls a closure exactly once, when the call has ended: with the last byte of the last reply,
    /// with a failure, or because the reply was dropped. If the call has ended already, because it
    /// failed or its reply came in one packet, the closure is called when all layers have returned,
    /// or as soon as a layer drops this outcome.
    ///
    /// What the closure holds, such as a permit, is held until then. If the caller drops the call
    /// before it has an outcome, the layer's own future is dropped, with everything that it holds.
    pub fn on_end(&mut self, call: impl FnOnce(End<'_>) + Send + 'static) {
        self.hooks.get_or_insert_default().on_end.push(Box::new(call));
    }

    /// Calls a closure with each reply to a request to all when it is taken, and with each error
    /// that stands for one.
    pub fn on_reply(&mut self, call: impl FnMut(Result<ReplyHead<'_>, &Error>) + Send + 'static) {
        self.hooks.get_or_insert_default().on_reply.push(Box::new(call));
    }

    /// Returns what the caller gets of it. Its end is noted, or is passed on: a streamed reply tells
    /// it, and for a request to all the returned part and observers do.
    #[inline]
    pub(crate) fn finish(mut self) -> Result<(Done, Progress), Error> {
        let done = std::mem::replace(&mut self.done, Ok(Done::Replied));
        match self.hooks.take() {
            None => done.map(|done| (done, Progress::default())),
            Some(hooks) => hooks.finish(done),
        }
    }

    /// Says what the error is about, if there is one.
    #[inline]
    pub(super) fn is_about(&mut self, to: &To) {
        if let Err(error) = &mut self.done {
            let about = |error: Error| match to {
                To::Endpoint(to) => to.about(error),
                To::Asker(..) => error,
            };
            let error = std::mem::replace(error, ErrorKind::Layer.into());
            self.done = Err(about(error));
        }
    }

    /// The error of a layer that has returned the outcome of another call.
    pub(crate) fn of_another_call() -> Error {
        let text = "it returned the outcome of another call";
        Error::new(ErrorKind::Layer, text).with_executed(Executed::Maybe)
    }
}

impl From<Result<Done, Error>> for Outcome {
    fn from(done: Result<Done, Error>) -> Self {
        Self { done, hooks: None }
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Self::from(Err(error))
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::from(Error::from(refusal))
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.take() {
            hooks.on_end.run(match &self.done {
                Ok(Done::Sent(_) | Done::Replied) => End::Complete,
                Ok(Done::Reply(..) | Done::Asked(_)) => End::Dropped,
                Err(error) => End::Failed(error),
            });
        }
    }
}

impl AllHooks {
    fn finish(self, done: Result<Done, Error>) -> Result<(Done, Progress), Error> {
        let Self { on_end, on_reply } = self;
        let mut progress = Progress { ending: None, on_reply };
        match done {
            Ok(Done::Reply(mut answer, deadline)) => {
                match &mut answer.content {
                    Content::Whole(_) => on_end.run(End::Complete),
                    stream => stream.watch(Box::new(Ending::new(on_end))),
                }
                Ok((Done::Reply(answer, deadline), progress))
            }
            Ok(Done::Asked(asked)) => {
                progress.ending = Some(Ending::new(on_end));
                Ok((Done::Asked(asked), progress))
            }
            Ok(done) => {
                on_end.run(End::Complete);
                Ok((done, progress))
            }
            Err(error) => {
                on_end.run(End::Failed(&error));
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Outcome");
        match &self.done {
            Ok(Done::Sent(delivery)) => shown.field("delivery", delivery),
            Ok(Done::Reply(answer, _)) => shown.field("reply", &ReplyHead(answer)),
            Ok(Done::Replied | Done::Asked(_)) => &mut shown,
            Err(error) => shown.field("error", error),
        };
        shown.finish_non_exhaustive()
    }
}

impl<'a> ReplyHead<'a> {
    /// Returns the service and the instance that sent it.
    #[must_use]
    pub fn source(&self) -> &'a Source {
        &self.0.head.source
    }

    /// Returns the headers that the answerer added.
    #[must_use]
    pub fn headers(&self) -> &'a Headers {
        &self.0.head.headers
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.0.head.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns the length of the body in bytes, if it is known.
    #[must_use]
    pub fn body_len(&self) -> Option<u64> {
        self.0.content.length()
    }
}

impl fmt::Debug for ReplyHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyHead")
            .field("source", self.source())
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}

/// What the layers want to know of the rest of a request to all.
#[derive(Default)]
pub(crate) struct Progress {
    ending: Option<Ending>,
    on_reply: Vec<OnReply>,
}

impl Progress {
    /// Shows the next reply, and waits for the end of its body.
    pub(crate) fn show(&mut self, reply: &mut Result<Answer, Error>) {
        for show in &mut self.on_reply {
            show(reply.as_ref().map(ReplyHead));
        }
        if let (Ok(answer), Some(ending)) = (reply, &self.ending) {
            answer.content.watch(Box::new(ending.part()));
        }
    }

    /// Notes that no more replies come. The call ends with those that are still being read.
    pub(crate) fn end(&mut self, result: Result<(), &Error>) {
        if let Some(ending) = self.ending.take() {
            ending.end(result);
        }
    }
}
