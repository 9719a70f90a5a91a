mod duties;

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_io::AsyncRead;
use futures_lite::future;

pub(crate) use self::duties::Duties;
use self::duties::Held;
use crate::{
    Body, Decode, Encode, Encoder, Error, ErrorKind, Executed, Headers, IncomingBody, Service,
    ServiceName, Subject,
    collect::Collected,
    driver::{Answer, Arrival, Replier},
    encoder::check_content_type,
    handle::Handle,
    outgoing::Payload,
    proto::frame::{ContentType, Head, Source},
    reply::Replying,
};

/// A message that was received: from a binding, or as the reply to a request.
///
/// Its body is decoded with [`decode`](Self::decode), taken whole with [`to_bytes`](Self::to_bytes) or
/// [`text`](Self::text), or read at one's own pace: a message is an [`AsyncRead`], and
/// [`take_body`](Self::take_body) gives the body out. A streamed body that is dropped before its
/// end is stopped at its sender.
///
/// A request is answered with [`reply`](Self::reply) or [`reply_body`](Self::reply_body), once. If
/// it is dropped unanswered, the asker learns that at once.
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
    head: Box<Head>,
    subject: Subject,
    replier: Option<Arc<Replier>>,
    deadline: Option<Instant>,
    is_reply: bool,
    body: Collected,
    held: Held<E>,
}

impl<E: Encoder> Message<E> {
    pub(crate) fn received(handle: Handle<E>, arrival: Arrival) -> Self {
        let Arrival { head, subject, replier, deadline, content } = arrival;
        if let Some(replier) = &replier {
            replier.start();
        }
        content.start();
        let (body, held) = (Collected::new(content), Held::taken(handle));
        Self { head, subject, replier, deadline, is_reply: false, body, held }
    }

    /// A function is called with it.
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
    ) -> Self {
        let Answer { head, content } = answer;
        let (body, held) = (Collected::new(content), Held::reply(handle));
        Self { head, subject, replier: None, deadline, is_reply: true, body, held }
    }

    /// Decodes the body, with the conduit's encoder. It waits for all of it.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `ContentType` where another encoder made the body, with both types; `Decode`; `TooLarge`
    /// where it exceeds [`max_decode_size`](crate::Builder::max_decode_size); and those of reading.
    pub async fn decode<T>(&self) -> Result<T, Error>
    where
        E: Decode<T>,
    {
        if let Some(theirs) = self.content_type() {
            check_content_type(theirs, self.held.handle.encoder().content_type())
                .map_err(|error| self.about(error))?;
        }
        // One that is there needs neither waiting nor another owner.
        let limit = self.decode_limit();
        let decoded =
            self.body.whole(limit).map(|whole| Ok(self.held.handle.encoder().decode(whole?)));
        let decoded = match decoded {
            Some(decoded) => decoded.map_err(|error: Error| self.about(error))?,
            None => self.held.handle.encoder().decode(&self.to_bytes().await?),
        };
        decoded.map_err(|error| self.about(Error::with_source(ErrorKind::Decode, error)))
    }

    /// The whole body.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `TooLarge` where it exceeds [`max_decode_size`](crate::Builder::max_decode_size);
    /// `BodyTaken` where it was taken or read before; `Lost`, `SourceFailed`, `Cancelled`,
    /// `Lagged`, `Corrupt`, `Deadline` or `Closed` where a streamed one did not arrive whole.
    pub async fn to_bytes(&self) -> Result<Bytes, Error> {
        self.body.collect(self.decode_limit()).await.map_err(|error| self.about(error))
    }

    /// The whole body, as text.
    ///
    /// Cancel safe, and can be called again.
    ///
    /// # Errors
    /// `NotText` where it is not UTF-8, and those of [`to_bytes`](Self::to_bytes).
    pub async fn text(&self) -> Result<String, Error> {
        let bytes = self.to_bytes().await?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(self.about(Error::with_source(ErrorKind::NotText, error))),
        }
    }

    /// Gives the body out, to be read or passed on while the message is still there to be replied
    /// to. The memory of one that came in one packet is shared by both, and free when both are gone.
    ///
    /// # Errors
    /// `BodyTaken` where it was taken or read before.
    pub fn take_body(&self) -> Result<IncomingBody, Error> {
        self.body.take()
    }

    /// Answers the request with a value.
    pub fn reply<T>(&self, value: &T) -> Replying
    where
        T: ?Sized,
        E: Encode<T>,
    {
        let payload = Payload::encode(self.held.handle.encoder(), value);
        Replying::new(self.held.handle.open(), self.replier.clone(), payload)
    }

    /// Answers the request with a body as it is.
    pub fn reply_body(&self, body: impl Into<Body>) -> Replying {
        let payload = Ok(Payload::raw(body.into()));
        Replying::new(self.held.handle.open(), self.replier.clone(), payload)
    }

    /// What it is about. For a reply, what the request was about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Who sent it: the service, and the instance of it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.head.source
    }

    /// The headers that its sender added.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// The media type of its body, where an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_ref().map(ContentType::as_str)
    }

    /// Whether its sender waits for a reply.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.replier.is_some()
    }

    /// How long its asker will still wait; for a reply, how long there is to read it. `None` where
    /// nobody limits it.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let now = self.held.handle.shared().now();
        self.deadline.map(|at| at.saturating_duration_since(now))
    }

    /// Waits until nobody needs the reply any more: the asker has given up, the time of the request
    /// has passed, or the conduit closes. For a message that asks for no reply, it waits for ever.
    ///
    /// The future of a handler is dropped at that moment anyway. This is for work that it has given
    /// to somebody else, such as a task or a thread.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        match &self.replier {
            Some(replier) => {
                let closing = self.held.handle.shared().closing();
                future::or(replier.needless(self.deadline), closing).await;
            }
            None => future::pending().await,
        }
    }

    /// Another service, for requests on behalf of this one: they have at most the time that it has
    /// left.
    pub fn service<S>(&self, name: S) -> Service<E>
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        let name = name.try_into().map_err(Error::from);
        Service::new(self.held.handle.clone(), name, self.deadline)
    }

    fn decode_limit(&self) -> usize {
        self.held.handle.shared().config.max_decode_size.unwrap_or(usize::MAX)
    }

    /// Whoever cannot use a reply must not think that its handler was not executed.
    fn about(&self, error: Error) -> Error {
        if self.is_reply { error.with_executed(Executed::Yes) } else { error.of_message() }
    }
}

/// Reads the body at the reader's pace. An error holds an [`Error`].
impl<E: Encoder> AsyncRead for Message<E> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
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
