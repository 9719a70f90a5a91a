use std::{error::Error as StdError, fmt};

use conduit::logging::Causes;

use crate::frame::Fault;

/// Why no connection could be made.
///
/// `{}` prints what happened; the underlying error, such as one of the socket, is its cause. `{:#}`
/// prints both in one sentence, and `{:?}` adds the kind: a `main` that returns the error prints that.
/// `{:#?}` prints the parts.
pub struct ConnectError {
    kind: ConnectErrorKind,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`ConnectError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL is no address of a RabbitMQ server. They look like `amqp://localhost`.
    InvalidUrl,
    /// No server could be reached: the name is unknown, nothing listens there, or the connection
    /// was closed before it was set up.
    Unreachable,
    /// The server doesn't accept the credentials, or does not permit them the virtual host, or does not
    /// have it.
    Unauthorized,
    /// Something took the connection and didn't answer in time.
    TimedOut,
    /// TLS could not be set up: a certificate is not trusted, is missing, or cannot be read. The
    /// cause says which.
    Tls,
    /// This is no server of AMQP 0-9-1.
    Unsupported,
    /// Anything else; the cause says what.
    Other,
}

impl ConnectError {
    pub(crate) fn new(
        kind: ConnectErrorKind,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, cause: Some(cause.into()) }
    }

    /// Why a server ends a connection that is not open yet.
    pub(crate) fn said(fault: &Fault) -> Self {
        let kind = match fault.code {
            // Of a virtual host that is not there it says that it is not permitted.
            402 | 403 | 530 => ConnectErrorKind::Unauthorized,
            _ => ConnectErrorKind::Other,
        };
        Self::new(kind, fault.to_string())
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }
}

impl From<ConnectErrorKind> for ConnectError {
    fn from(kind: ConnectErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "{}", Causes(self));
        }
        f.write_str(match self.kind {
            ConnectErrorKind::InvalidUrl => "this is not the URL of a RabbitMQ server",
            ConnectErrorKind::Unreachable => "no RabbitMQ server could be reached",
            ConnectErrorKind::Unauthorized => "the RabbitMQ server does not accept the credentials",
            ConnectErrorKind::TimedOut => "no RabbitMQ server answered in time",
            ConnectErrorKind::Tls => "TLS with the RabbitMQ server could not be set up",
            ConnectErrorKind::Unsupported => "this is no server of AMQP 0-9-1",
            ConnectErrorKind::Other => "connecting to RabbitMQ failed",
        })
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write!(f, "{self:#} ({:?})", self.kind);
        }
        let mut parts = f.debug_struct("ConnectError");
        parts.field("kind", &self.kind).field("cause", &self.cause).finish()
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
