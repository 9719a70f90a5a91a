mod convert;
mod kind;

use std::{error::Error as StdError, fmt, sync::Arc};

pub use self::kind::ErrorKind;
use crate::{
    Failure, InstanceId, ServiceName, Subject,
    proto::{Detail, Reason, ReasonCode},
};

/// What went wrong, and whether the handler at the other side was executed.
///
/// It prints as a sentence that names the subject and the service. What lies beneath it, such as a format's or a broker's own error, is
/// its source.
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    executed: Executed,
    detail: String,
    /// Shared with its copies.
    source: Option<Arc<dyn StdError + Send + Sync>>,
    /// What was sent or asked for.
    about: Option<(ServiceName, Subject)>,
    /// Who said so.
    instance: Option<InstanceId>,
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
        self.0.source.as_ref()?.downcast_ref()
    }

    /// The instance that this was heard from, where it was heard from one.
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

    pub(crate) fn with_executed(mut self, executed: Executed) -> Self {
        self.0.executed = executed;
        self
    }

    /// Says what was sent or asked for, where nothing more exact was said before.
    pub(crate) fn about(mut self, service: &ServiceName, subject: &Subject) -> Self {
        self.0.about.get_or_insert_with(|| (service.clone(), subject.clone()));
        self
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
        error.0.executed = match (started, reason.code) {
            (true, _) => Executed::Yes,
            // Both are said of the message, before the function that it is for is called.
            (false, ReasonCode::NotDecoded | ReasonCode::TooLarge) => Executed::No,
            (false, _) => error.0.executed,
        };
        if detail != Detail::default() {
            let failure = Failure::received(reason.text.clone(), detail);
            error.0.detail = failure.to_string();
            error.0.source = Some(Arc::new(failure));
        }
        error
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
            ReasonCode::SourceFailed if planted!(LoseReason) => (K::Other, Maybe),
            ReasonCode::SourceFailed => (K::SourceFailed, Maybe),
            ReasonCode::Dropped => (K::Dropped, if planted!(DenyExecution) { No } else { Maybe }),
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
        let Inner { kind, detail, source, about, .. } = &*self.0;
        if let Some((service, subject)) = about {
            write!(f, "{subject} of {service}: ")?;
        }
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
            .field("about", &self.0.about)
            .field("instance", &self.0.instance)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
