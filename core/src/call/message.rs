mod duties;

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_io::AsyncRead;
use futures_lite::future;

pub(crate) use self::duties::Duties;
use self::duties::MessageGuard;
use crate::{
    Body, Client, Decode, Encode, Encoder, Error, ErrorKind, Executed, Headers, IncomingBody,
    ServiceName, Source, Subject,
    call::collect::Collected,
    call::outgoing::Payload,
    call::reply::Replying,
    driver::{Answer, Arrival, Replier},
    error::check_content_type,
    handle::Handle,
    layer::{Around, Context, Extensions},
    proto::frame::{ContentType, Head},
};

/// A received message, from a binding or as the reply to a request.
///
/// Decode its body with [`decode`](Self::decode), collect it with [`to_bytes`](Self::to_bytes) or
/// [`text`](Self::text), or read it at your own pace: a message is an [`AsyncRead`], and
/// [`take_body`](Self::take_body) detaches the body. Dropping a streamed body before its end stops
/// the sender.
///
/// Answer a request with [`reply`](Self::reply) or [`reply_body`](Self::reply_body), once. If it is
/// dropped unanswered, the asker is told at once.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let broker = Memory::new();
/// let worker = Conduit::new("worker", Smol, broker.clone(), Json)?;
/// worker.queue_bind("double").await?.to(|message| async move {
///     assert_eq!(message.source().service.as_str(), "client");
///     assert_eq!(message.headers().get("trace"), Some("7f"));
///     let number: u64 = message.decode().await?;
///     message.reply(&(2 * number)).await
/// });
///
/// let client = Conduit::new("client", Smol, broker, Json)?;
/// let reply = client.service("worker").request("double", &21).header("trace", "7f").await?;
/// assert_eq!(reply.content_type(), Some("application/json"));
/// assert_eq!(reply.decode::<u64>().await?, 42);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Message<E> {
    head: Arc<Head>,
    subject: Subject,
    replier: Option<Arc<Replier>>,
    deadline: Option<Instant>,
    is_reply: bool,
    extensions: Extensions,
    /// The layers of its conduit and of its binding.
    around: Around,
    body: Collected,
    guard: MessageGuard<E>,
}

impl<E: Encoder> Message<E> {
    #[inline(always)]
    pub(crate) fn received(handle: Handle<E>, arrival: Arrival, around: Around) -> Self {
        let Arrival { head, subject, replier, deadline, content, accepted } = arrival;
        let (body, guard) = (Collected::new(content), MessageGuard::taken(handle));
        let (extensions, is_reply) = (accepted.extensions, false);
        Self { head, subject, replier, deadline, is_reply, extensions, around, body, guard }
    }

    /// Notes that the handler's function is called with this message.
    pub(crate) fn begin(&self) {
        if let Some(replier) = &self.replier {
            replier.begin();
        }
    }

    pub(crate) fn reply_to(
        handle: Handle<E>,
        subject: Subject,
        answer: Answer,
        deadline: Option<Instant>,
        around: Around,
    ) -> Self {
        let Answer { head, content } = answer;
        let (body, guard) = (Collected::new(content), MessageGuard::reply(handle));
        let extensions = Extensions::default();
        let (replier, is_reply) = (None, true);
        Self { head, subject, replier, deadline, is_reply, extensions, around, body, guard }
    }

    /// Waits for the whole body and decodes it with the conduit's encoder.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `ContentType`, naming both types, if another encoder made the body; `Decode`; and those of
    /// [`to_bytes`](Self::to_bytes), `TooLarge` among them.
    pub async fn decode<T>(&self) -> Result<T, Error>
    where
        E: Decode<T>,
    {
        if let Some(theirs) = self.content_type() {
            check_content_type(theirs, self.guard.handle.encoder().content_type())
                .map_err(|error| self.about(error))?;
        }
        // A body that is already here is decoded in place, without waiting.
        let limit = self.decode_limit();
        let decoded =
            self.body.whole(limit).map(|whole| Ok(self.guard.handle.encoder().decode(whole?)));
        let decoded = match decoded {
            Some(decoded) => decoded.map_err(|error: Error| self.about(error))?,
            None => self.guard.handle.encoder().decode(&self.to_bytes().await?),
        };
        decoded.map_err(|error| self.about(Error::with_cause(ErrorKind::Decode, error)))
    }

    /// Waits for the whole body and returns it.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `TooLarge` if it exceeds [`max_decode_size`](crate::Builder::max_decode_size); `BodyTaken`
    /// if it was taken or read before; `Lost`, `BodyFailed`, `Cancelled`, `Lagged`, `Corrupt`,
    /// `Deadline` or `Closed` if a streamed body did not arrive completely.
    pub async fn to_bytes(&self) -> Result<Bytes, Error> {
        self.body.collect(self.decode_limit()).await.map_err(|error| self.about(error))
    }

    /// Waits for the whole body and returns it as text.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `NotText` if it is not UTF-8, and those of [`to_bytes`](Self::to_bytes).
    pub async fn text(&self) -> Result<String, Error> {
        let bytes = self.to_bytes().await?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(self.about(Error::with_cause(ErrorKind::NotText, error))),
        }
    }

    /// Detaches the body, so that it can be read or forwarded while the message can still be
    /// replied to. A body of one packet shares its memory with the message; the memory is freed
    /// when both have been dropped.
    ///
    /// # Errors
    /// `BodyTaken` if it was taken or read before.
    pub fn take_body(&self) -> Result<IncomingBody, Error> {
        self.body.take()
    }

    /// Answers the request with a value.
    pub fn reply<T>(&self, value: &T) -> Replying
    where
        T: ?Sized,
        E: Encode<T>,
    {
        let payload = Payload::encode(self.guard.handle.encoder(), value);
        self.answer_with(payload)
    }

    /// Answers the request with a body, without encoding it.
    pub fn reply_body(&self, body: impl Into<Body>) -> Replying {
        let payload = Ok(Payload::raw(body.into()));
        self.answer_with(payload)
    }

    /// Returns the subject. For a reply, the subject of the request.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the service and the instance that sent it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.head.source
    }

    /// Returns the headers that the sender added.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// Returns what [layers](crate::layer) have attached to it. What is sent through
    /// [`service`](Self::service) has it too.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns whether the sender waits for a reply.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.replier.is_some()
    }

    /// Returns how much longer the asker waits; for a reply, how much time is left to read it.
    /// `None` if there is no deadline.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let now = self.guard.handle.shared().now();
        self.deadline.map(|at| at.saturating_duration_since(now))
    }

    /// Waits until the reply is no longer needed: the asker has cancelled, the deadline has passed,
    /// or the conduit closes. For a message that is not a request, it waits for ever.
    ///
    /// The future of a handler is dropped at that moment in any case. Use this to stop work that
    /// the handler has started elsewhere, such as in another task or a thread.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        match &self.replier {
            Some(replier) => {
                let closing = self.guard.handle.shared().closing();
                future::or(replier.needless(self.deadline), closing).await;
            }
            None => future::pending().await,
        }
    }

    /// Returns a client of a service, on behalf of this request: requests made with it have at most
    /// the time that this one has left, and what is sent with it has its
    /// [extensions](Self::extensions).
    pub fn service<S>(&self, name: S) -> Client<E>
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        let name = name.try_into().map_err(Error::from);
        let context = Context::new(self.around.of_conduit(), Some(self.incoming()));
        Client::new(self.guard.handle.clone(), name, self.deadline, context)
    }

    fn decode_limit(&self) -> usize {
        self.guard.handle.shared().config.max_decode_size.unwrap_or(usize::MAX)
    }

    /// Marks an error of this body. An unusable reply still means that the handler was executed.
    fn about(&self, error: Error) -> Error {
        if self.is_reply { error.with_executed(Executed::Yes) } else { error.of_message() }
    }
}

/// Reads the body at the reader's pace. An [`io::Error`] contains an [`Error`].
impl<E: Encoder> AsyncRead for Message<E> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = self.body.read(|body| Pin::new(body).poll_read(cx, buffer));
        read.unwrap_or_else(|error| Poll::Ready(Err(error.into())))
    }
}

impl<E> fmt::Debug for Message<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .field("source", &self.head.source)
            .field("headers", &self.head.headers)
            .field("is_request", &self.replier.is_some())
            .finish_non_exhaustive()
    }
}
