use std::{error::Error as StdError, fmt};

use conduit::logging::Causes;

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
    /// The URL is no address of a Redis server. They look like `redis://localhost:6379`.
    InvalidUrl,
    /// No server could be reached: the name is unknown, nothing listens there, or the connection
    /// was closed before it was set up.
    Unreachable,
    /// The server doesn't accept the credentials, wants some and got none, or does not permit them
    /// the commands that a connection needs.
    Unauthorized,
    /// Something took the connection and didn't answer in time.
    TimedOut,
    /// TLS could not be set up: a certificate is not trusted, is missing, or cannot be read. The
    /// cause says which.
    Tls,
    /// This is no server of Redis 7 or later, or of Valkey.
    Unsupported,
    /// The server is a replica: what is published there does not reach other servers.
    Replica,
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

    /// What a server says that does not take a command of the handshake.
    pub(crate) fn said(error: &str) -> Self {
        let kind = match error.split(' ').next().unwrap_or_default() {
            "WRONGPASS" | "NOAUTH" | "NOPERM" => ConnectErrorKind::Unauthorized,
            "NOPROTO" => ConnectErrorKind::Unsupported,
            _ if error.contains("unknown command") => ConnectErrorKind::Unsupported,
            _ if error.contains("without any password") => ConnectErrorKind::Unauthorized,
            _ => ConnectErrorKind::Other,
        };
        Self::new(kind, error.to_owned())
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
            ConnectErrorKind::InvalidUrl => "this is not the URL of a Redis server",
            ConnectErrorKind::Unreachable => "no Redis server could be reached",
            ConnectErrorKind::Unauthorized => "the Redis server does not accept the credentials",
            ConnectErrorKind::TimedOut => "no Redis server answered in time",
            ConnectErrorKind::Tls => "TLS with the Redis server could not be set up",
            ConnectErrorKind::Unsupported => "this is no Redis server that is new enough",
            ConnectErrorKind::Replica => "the Redis server is a replica",
            ConnectErrorKind::Other => "connecting to Redis failed",
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
