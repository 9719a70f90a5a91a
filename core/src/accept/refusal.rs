use crate::{
    Error, ErrorKind,
    proto::{Reason, ReasonCode},
};

/// Why a layer does not let a message pass. No handler was executed.
///
/// The sender gets it as an error: [`Overloaded`](ErrorKind::Overloaded) if it is busy,
/// [`Refused`](ErrorKind::Refused) if it is final. Where another receiver of the same message may
/// have run, its `executed` says so.
///
/// ```
/// use conduit::{Error, ErrorKind, Executed, layer::Refusal};
///
/// let error = Error::from(Refusal::busy("there are 100 in flight"));
/// assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::No));
/// let error = Error::from(Refusal::refused("the signature is wrong"));
/// assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Refused, false));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Reason);

impl Refusal {
    /// There is no room now: the message is offered to its group again, where another member may
    /// take it. The text is sent, up to 1,024 bytes of it.
    pub fn busy(text: impl Into<String>) -> Self {
        Self(Reason::new(ReasonCode::Overloaded, text))
    }

    /// The message is not wanted: it is not offered again. The text is sent, up to 1,024 bytes of it.
    pub fn refused(text: impl Into<String>) -> Self {
        Self(Reason::new(ReasonCode::Refused, text))
    }

    /// Returns whether it was made by [`busy`](Self::busy).
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.0.code == ReasonCode::Overloaded
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.0
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = if refusal.is_busy() { ErrorKind::Overloaded } else { ErrorKind::Refused };
        Self::new(kind, refusal.0.text)
    }
}
