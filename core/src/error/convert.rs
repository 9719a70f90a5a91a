use std::io;

use super::{Error, ErrorKind};
use crate::{
    HeaderError, NameError,
    transport::{TransportError, TransportErrorKind},
};

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, "")
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::with_cause(ErrorKind::InvalidName, error)
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::with_cause(ErrorKind::InvalidHeader, error)
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
        // The kind repeats the transport error's own text; its cause adds the details.
        match error.into_cause() {
            Some(cause) => Self::with_cause(kind, cause),
            None => kind.into(),
        }
    }
}

/// Wraps an error for `AsyncRead`; [`io::Error::get_ref`] returns the original.
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
