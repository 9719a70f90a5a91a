use std::{error::Error as StdError, fmt, io};

use async_nats::rustls;
use conduit::logging::Causes;

/// Why no connection could be made.
///
/// `{}` prints what happened; what lies beneath it, such as async-nats' own error, is its cause.
/// `{:#}` prints both in one sentence, and `{:?}` adds the kind: a `main` that returns the error prints
/// that. `{:#?}` prints the parts.
pub struct ConnectError {
    kind: ConnectErrorKind,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`ConnectError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL is no address of a NATS server. They look like `nats://localhost:4222`.
    InvalidUrl,
    /// No server could be reached: the name is unknown, nothing listens there, or the connection
    /// was closed before it was set up.
    Unreachable,
    /// The server doesn't accept the credentials, or wants some and got none.
    Unauthorized,
    /// Something took the connection and didn't answer in time.
    TimedOut,
    /// TLS could not be set up: a certificate is not trusted, is missing, or cannot be read. The
    /// cause says which.
    Tls,
    /// The server takes packets of less than
    /// [`MIN_PACKET_LEN`](conduit::transport::MIN_PACKET_LEN) only: its `max_payload` is too small.
    MaxPayload,
    /// Anything else; the cause says what.
    Other,
}

impl ConnectError {
    pub(crate) fn invalid_url(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ConnectErrorKind::InvalidUrl, cause: Some(cause.into()) }
    }

    /// What kind of failure this is.
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

impl From<async_nats::ConnectError> for ConnectError {
    fn from(error: async_nats::ConnectError) -> Self {
        use async_nats::ConnectErrorKind as Theirs;
        let kind = match error.kind() {
            _ if is_tls(&error) => ConnectErrorKind::Tls,
            Theirs::ServerParse => ConnectErrorKind::InvalidUrl,
            Theirs::Dns | Theirs::Io => ConnectErrorKind::Unreachable,
            Theirs::Authentication | Theirs::AuthorizationViolation => {
                ConnectErrorKind::Unauthorized
            }
            Theirs::TimedOut => ConnectErrorKind::TimedOut,
            Theirs::Tls => ConnectErrorKind::Tls,
            Theirs::MaxReconnects => ConnectErrorKind::Other,
        };
        Self { kind, cause: Some(error.into()) }
    }
}

/// async-nats calls a failed handshake an error of I/O.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let inner = error.downcast_ref().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || inner.is_some_and(|inner| is_tls(inner))
        || error.source().is_some_and(is_tls)
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "{}", Causes(self));
        }
        f.write_str(match self.kind {
            ConnectErrorKind::InvalidUrl => "this is not the URL of a NATS server",
            ConnectErrorKind::Unreachable => "no NATS server could be reached",
            ConnectErrorKind::Unauthorized => "the NATS server does not accept the credentials",
            ConnectErrorKind::TimedOut => "no NATS server answered in time",
            ConnectErrorKind::Tls => "TLS with the NATS server could not be set up",
            ConnectErrorKind::MaxPayload => "the NATS server's max_payload is too small",
            ConnectErrorKind::Other => "connecting to NATS failed",
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
