mod causes;
mod convert;
mod kind;
mod search;
mod text;

use std::{error::Error as StdError, fmt, sync::Arc};

pub(crate) use self::{causes::Causes, search::Own, text::Printable};
pub use self::{kind::ErrorKind, text::OneLine};
pub use crate::proto::Executed;
use crate::{
    Failure, InstanceId, ServiceName, Subject,
    proto::{Detail, Reason, ReasonCode},
};

/// What went wrong, and whether the handler at the other side was executed.
///
/// It prints as a sentence that names the subject and the service. What lies beneath it, such as a
/// format's or a broker's own error, is its [source](StdError::source), which says the rest. The
/// sentence with all causes, each once, is printed by `{:#}`, and by `{:?}` together with the kind
/// and what was executed. Both print one line of 1,024 bytes and a few at most, without the values
/// that a format quotes. Texts of the other side are printed without control characters.
///
/// ```
/// use std::error::Error as _;
///
/// use conduit::{Error, Subject};
///
/// let error = Error::from(Subject::new("a b").expect_err("a space is not allowed"));
/// assert_eq!(error.to_string(), "the name is not valid");
/// let why = r#""a b" cannot be a subject: ' ' is not an ASCII letter, a digit, '-' or '_'"#;
/// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some(why));
/// assert_eq!(format!("{error:#}"), format!("the name is not valid: {why}"));
/// ```
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    executed: Executed,
    detail: String,
    /// Shared with its copies.
    source: Option<Arc<dyn StdError + Send + Sync>>,
    /// What the handler said in the application's own words; `detail` prints it.
    failure: Option<Arc<Failure>>,
    /// It is about the body of a message that was received, and is no reply.
    is_of_message: bool,
    /// The other side said so.
    is_peers: bool,
    /// What was sent or asked for.
    about: Option<(ServiceName, Subject)>,
    /// Who said so.
    instance: Option<InstanceId>,
}

impl Error {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the handler at the other side was executed. For an error that concerns no other
    /// side, such as an invalid name, it is [`Executed::No`]. For one met while reading or
    /// decoding a reply, it is [`Executed::Yes`].
    #[must_use]
    pub fn executed(&self) -> Executed {
        self.0.executed
    }

    /// Whether the same call may succeed later, or elsewhere, without the danger that the work is
    /// done twice: nothing was [executed](Self::executed), and what was in the way may pass.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use ErrorKind as K;
        let may_pass = matches!(
            self.kind(),
            K::NoReceivers
                | K::NoAnswer
                | K::Overloaded
                | K::Draining
                | K::Unsupported
                | K::Late
                | K::Lost
                | K::Disconnected
                | K::Transport
        );
        may_pass && self.executed() == Executed::No
    }

    /// What the handler at the other side said of its failure in the application's own words, if
    /// it did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let of_cause = || self.0.source.as_deref()?.downcast_ref::<Self>()?.failure();
        self.0.failure.as_deref().or_else(of_cause)
    }

    /// The instance that this was heard from, where it was heard from one; of
    /// [`Lost`](ErrorKind::Lost), the one that fell silent.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        self.0.instance
    }

    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            executed: Executed::No,
            detail: detail.into(),
            source: None,
            failure: None,
            is_of_message: false,
            is_peers: false,
            about: None,
            instance: None,
        }))
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let mut error = Self::from(kind);
        error.0.source = Some(Arc::from(source.into()));
        error
    }

    /// Says what else went wrong before.
    pub(crate) fn because_of(mut self, other: Self) -> Self {
        self.0.source = Some(Arc::new(other));
        self
    }

    pub(crate) fn with_executed(mut self, executed: Executed) -> Self {
        self.0.executed = executed;
        self
    }

    /// Says what was sent or asked for, where nothing more exact was said before.
    pub(crate) fn about(mut self, service: &ServiceName, subject: &Subject) -> Self {
        self.0.about.get_or_insert_with(|| (service.clone(), subject.clone()));
        self
    }

    /// Says that it is about the body of a message that was received.
    pub(crate) fn of_message(mut self) -> Self {
        self.0.is_of_message = true;
        self
    }

    /// Whether it is about the body of a message that was received, and is no reply.
    pub(crate) fn is_of_message(&self) -> bool {
        self.0.is_of_message
    }

    pub(crate) fn heard_from(mut self, instance: InstanceId) -> Self {
        self.0.instance = Some(instance);
        self
    }

    /// An error that says the same, with the same source.
    pub(crate) fn copy_of(other: &Self) -> Self {
        Self(Box::new(Inner::clone(&other.0)))
    }

    /// What the handler of a request said.
    pub(crate) fn from_failure(
        reason: &Reason,
        started: bool,
        detail: Detail,
        instance: InstanceId,
    ) -> Self {
        let mut error = Self::from_reason(reason).heard_from(instance);
        error.0.executed = reason.code.executed_in_failure(started);
        if detail != Detail::default() {
            let failure = Failure::received(reason.text.clone(), detail);
            error.0.detail = failure.to_string();
            error.0.failure = Some(Arc::new(failure));
        }
        error
    }

    /// What was said here.
    pub(crate) fn from_own_reason(reason: &Reason) -> Self {
        let mut error = Self::from_reason(reason);
        error.0.is_peers = false;
        error
    }

    /// What a peer said.
    pub(crate) fn from_reason(reason: &Reason) -> Self {
        use ErrorKind as K;
        let kind = match reason.code {
            ReasonCode::Overloaded => K::Overloaded,
            ReasonCode::Draining => K::Draining,
            ReasonCode::Unsupported => K::Unsupported,
            ReasonCode::Late => K::Late,
            ReasonCode::Taken | ReasonCode::Gone | ReasonCode::Lost => K::Lost,
            ReasonCode::Lagged => K::Lagged,
            ReasonCode::Cancelled => K::Cancelled,
            ReasonCode::SourceFailed => K::SourceFailed,
            ReasonCode::Dropped => K::Dropped,
            ReasonCode::TooLarge => K::TooLarge,
            ReasonCode::Corrupt => K::Corrupt,
            ReasonCode::NotDecoded => K::NotDecoded,
            ReasonCode::HandlerFailed => K::HandlerFailed,
            ReasonCode::Panicked => K::HandlerPanicked,
            ReasonCode::NoReply => K::NoReply,
            ReasonCode::Closed => K::Closed,
            ReasonCode::Deadline => K::Deadline,
            ReasonCode::Other(_) => K::Other,
        };
        let executed = reason.code.executed();
        let mut error = Self::new(kind, reason.text.clone()).with_executed(executed);
        error.0.is_peers = true;
        error
    }
}

/// An error and its sources, as many as are looked at.
fn sources<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    const MOST: usize = 32;
    let mut next = Some(error);
    let all = std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    });
    all.take(MOST)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return Causes(self).fmt(f);
        }
        Own::show(|| Own::Error(Self::copy_of(self)));
        let Inner { kind, detail, about, instance, is_peers, .. } = &*self.0;
        if let Some((service, subject)) = about {
            write!(f, "{subject} of {service}: ")?;
        }
        match (kind, instance) {
            (ErrorKind::Closed, _) if *is_peers => {
                f.write_str("the other side's conduit is closed")?;
            }
            (ErrorKind::Closed, _) => f.write_str("this conduit is closed")?,
            (ErrorKind::Lost, Some(instance)) => write!(f, "{kind}, instance {instance}")?,
            (kind, _) => kind.fmt(f)?,
        }
        match detail.as_str() {
            "" => Ok(()),
            detail => write!(f, ": {}", Printable(detail)),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} ({:?}, executed: {:?})", self.kind(), self.executed())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_of_the_handler_what_its_code_does() {
        for code in (0..30).map(ReasonCode::from_wire) {
            assert_eq!(Error::from_reason(&code.into()).executed(), code.executed(), "{code:?}");
            for started in [false, true] {
                let instance = InstanceId::from_bytes([1; InstanceId::LEN]);
                let error = Error::from_failure(&code.into(), started, Detail::default(), instance);
                assert_eq!(error.executed(), code.executed_in_failure(started), "{code:?}");
            }
        }
    }
}
