use std::{error::Error as StdError, fmt};

/// The error of a transport's operations.
///
/// `{}` prints the kind of failure; the underlying error, such as the broker client's own, is the
/// cause. `{:?}` prints both in one sentence, and `{:#?}` the parts.
///
/// ```
/// use std::{error::Error, io};
///
/// use conduit::transport::{TransportError, TransportErrorKind};
///
/// let reset = io::Error::from(io::ErrorKind::ConnectionReset);
/// let error = TransportError::new(TransportErrorKind::Disconnected, reset);
/// assert_eq!(error.to_string(), "there is no connection to the broker");
/// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("connection reset"));
/// assert_eq!(format!("{error:?}"), "there is no connection to the broker: connection reset");
/// ```
pub struct TransportError {
    kind: TransportErrorKind,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`TransportError`].
///
/// ```
/// use conduit::transport::{Address, Transport, TransportErrorKind};
/// use conduit_memory::Memory;
/// use futures_lite::future::block_on;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let memory = Memory::new();
/// let address = Address::Control { service: "shop".parse()? };
/// let packet = vec![0; memory.max_packet_len() + 1];
/// let error = block_on(memory.publish(&address, packet.into(), None)).expect_err("it is too long");
/// assert_eq!(error.kind(), TransportErrorKind::TooLarge);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// There is no connection to the broker.
    Disconnected,
    /// The transport was closed.
    Closed,
    /// The packet is longer than the broker accepts.
    TooLarge,
    /// The broker does not permit it.
    Denied,
    /// Another failure; see its cause.
    Other,
}

impl TransportError {
    /// Creates an error of a kind, with its cause.
    pub fn new(
        kind: TransportErrorKind,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, cause: Some(cause.into()) }
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    pub(crate) fn into_cause(self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.cause
    }
}

impl From<TransportErrorKind> for TransportError {
    fn from(kind: TransportErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Disconnected => "there is no connection to the broker",
            TransportErrorKind::Closed => "the transport is closed",
            TransportErrorKind::TooLarge => "the packet is longer than the broker takes",
            TransportErrorKind::Denied => "the broker does not permit it",
            TransportErrorKind::Other => "the transport failed",
        })
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            fmt::Display::fmt(self, f)?;
            let mut cause = self.source();
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
            return Ok(());
        }
        let mut parts = f.debug_struct("TransportError");
        parts.field("kind", &self.kind).field("cause", &self.cause).finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
