use std::{error::Error as StdError, fmt, io, sync::Arc};

use crate::{
    HeaderError, NameError,
    proto::{Reason, ReasonCode},
    transport::{TransportError, TransportErrorKind},
};

/// What went wrong, and whether the handler at the other side was executed.
///
/// It prints as a sentence. What lies beneath it, such as a format's or a broker's own error, is
/// its source.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    executed: Executed,
    detail: String,
    /// Shared with its copies.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Whether the handler at the other side was executed, as far as this side knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executed {
    /// It was not, and will not be: trying again is safe.
    No,
    /// It may have been.
    Maybe,
    /// It was, at least in part.
    Yes,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $Name:ident => $text:literal;)*) => {
        /// The kinds of [`Error`]. More may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $Name,)*
        }

        impl fmt::Display for ErrorKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$Name => $text,)* })
            }
        }
    };
}

kinds! {
    /// A service name or a subject breaks a rule; the source is a [`NameError`].
    InvalidName => "the name is not valid";
    /// A header breaks a rule; the source is a [`HeaderError`].
    InvalidHeader => "the header is not valid";
    /// A limit given to the builder makes no sense.
    InvalidLimit => "the limit is not valid";
    /// The encoder cannot express the value; the source is the encoder's error.
    Encode => "the value could not be encoded";
    /// The body is not what was to be decoded; the source is the encoder's error.
    Decode => "the body could not be decoded";
    /// The body was made by another encoder.
    ContentType => "the body is of another content type";
    /// The body does not fit the limit for bodies held in memory, or a packet does not fit the broker.
    TooLarge => "the body is too large";
    /// Nobody is subscribed. Usually a service that is not running, or a misspelt name.
    NoReceivers => "nobody listens there";
    /// Nobody answered an offer within the send timeout.
    NoAnswer => "nobody answered";
    /// Every receiver that answered has its hands full. Try later.
    Overloaded => "the receiver has no room for it now";
    /// The receiver is shutting down. Another instance may take it.
    Draining => "the receiver is shutting down";
    /// The receiver speaks another version of the protocol.
    Unsupported => "the receiver does not know this version of the protocol";
    /// The handler at the other side could not decode the message.
    NotDecoded => "the handler could not decode the message";
    /// The handler at the other side returned an error.
    HandlerFailed => "the handler failed";
    /// The handler at the other side panicked.
    HandlerPanicked => "the handler panicked";
    /// The handler at the other side ended without a reply.
    NoReply => "the handler ended without a reply";
    /// Nothing was heard of the other side for the idle limit. Usually a crash or a broken network.
    Lost => "the other side is gone";
    /// The other side gave up.
    Cancelled => "the other side gave up";
    /// The time for the request has passed.
    Deadline => "the deadline passed";
    /// There was no connection to the broker for the send timeout.
    Disconnected => "there is no connection to the broker";
    /// The conduit was closed, here or at the other side.
    Closed => "the conduit is closed";
    /// The broker does not permit it.
    Denied => "the broker does not permit it";
    /// The transport failed otherwise; the source is its error.
    Transport => "the transport failed";
    /// The body was taken, or read in part, before.
    BodyTaken => "the body was taken before";
    /// The body is not UTF-8.
    NotText => "the body is not UTF-8";
    /// There is nobody to reply to: the message was sent one way.
    NotARequest => "the message is not a request";
    /// The request was answered before.
    AlreadyReplied => "the request was answered before";
    /// The receiver answered a broadcast body after the join window.
    Late => "the receiver answered after the join window";
    /// The receiver held up the other receivers of a broadcast body for longer than the lag limit.
    Lagged => "the receiver held up the others for longer than the lag limit";
    /// The receiver dropped the body before its end.
    Dropped => "the receiver dropped the body before its end";
    /// The source of the body failed, here or at the other side, or it was not as long as announced.
    SourceFailed => "the source of the body failed";
    /// Length or checksum of the body do not match.
    Corrupt => "length or checksum of the body do not match";
    /// Something that this version does not know.
    Other => "it failed";
}

impl Error {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the handler at the other side was executed. For an error that concerns no other
    /// side, such as an invalid name, it is [`Executed::No`]. For one met while decoding a reply, it
    /// is [`Executed::Yes`].
    #[must_use]
    pub fn executed(&self) -> Executed {
        self.0.executed
    }

    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let inner = Inner { kind, executed: Executed::No, detail: detail.into(), source: None };
        Self(Box::new(inner))
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let mut error = Self::from(kind);
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    pub(crate) fn with_executed(mut self, executed: Executed) -> Self {
        self.0.executed = executed;
        self
    }

    /// An error that says the same, with the same source.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let Inner { kind, executed, detail, source } = &*other.0;
        Self(Box::new(Inner {
            kind: *kind,
            executed: *executed,
            detail: detail.clone(),
            source: source.clone(),
        }))
    }

    /// What a peer said.
    pub(crate) fn from_reason(reason: &Reason) -> Self {
        use ErrorKind as K;
        use Executed::{Maybe, No, Yes};
        let (kind, executed) = match reason.code {
            ReasonCode::Overloaded => (K::Overloaded, No),
            ReasonCode::Draining => (K::Draining, No),
            ReasonCode::Unsupported => (K::Unsupported, No),
            ReasonCode::Late => (K::Late, No),
            ReasonCode::Taken | ReasonCode::Gone => (K::Lost, Maybe),
            ReasonCode::Lagged => (K::Lagged, Maybe),
            ReasonCode::Cancelled => (K::Cancelled, Maybe),
            ReasonCode::SourceFailed => (K::SourceFailed, Maybe),
            ReasonCode::Dropped => (K::Dropped, Maybe),
            ReasonCode::TooLarge => (K::TooLarge, Maybe),
            ReasonCode::Corrupt => (K::Corrupt, Maybe),
            ReasonCode::Lost => (K::Lost, Maybe),
            ReasonCode::NotDecoded => (K::NotDecoded, Yes),
            ReasonCode::HandlerFailed => (K::HandlerFailed, Yes),
            ReasonCode::Panicked => (K::HandlerPanicked, Yes),
            ReasonCode::NoReply => (K::NoReply, Yes),
            ReasonCode::Closed => (K::Closed, Maybe),
            ReasonCode::Deadline => (K::Deadline, Maybe),
            ReasonCode::Other(_) => (K::Other, Maybe),
        };
        Self::new(kind, reason.text.clone()).with_executed(executed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, detail, source, .. } = &*self.0;
        match (detail.as_str(), source) {
            ("", None) => kind.fmt(f),
            ("", Some(source)) => write!(f, "{kind}: {source}"),
            (detail, _) => write!(f, "{kind}: {detail}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("executed", &self.0.executed)
            .field("detail", &self.0.detail)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, "")
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::with_source(ErrorKind::InvalidName, error)
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::with_source(ErrorKind::InvalidHeader, error)
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let kind = match error.kind() {
            TransportErrorKind::Disconnected => ErrorKind::Disconnected,
            TransportErrorKind::Closed => ErrorKind::Closed,
            TransportErrorKind::TooLarge => ErrorKind::TooLarge,
            TransportErrorKind::Denied => ErrorKind::Denied,
            TransportErrorKind::Other => ErrorKind::Transport,
        };
        Self::with_source(kind, error)
    }
}

/// An error met while reading a body through `AsyncRead`; [`io::Error::get_ref`] gives it back.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Deadline => io::ErrorKind::TimedOut,
            ErrorKind::Lost | ErrorKind::Closed => io::ErrorKind::ConnectionAborted,
            ErrorKind::Corrupt => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
