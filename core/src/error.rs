mod causes;
mod codec;
mod convert;
mod failure;
mod failure_map;
mod kind;
mod search;
mod text;

use std::{error::Error as StdError, fmt, sync::Arc};

pub use self::{causes::Causes, failure::Failure, kind::ErrorKind, text::OneLine};
pub(crate) use self::{
    codec::{check_content_type, encoded},
    failure_map::FailureMap,
    search::Own,
    text::{Printable, panic_text},
};
use crate::{
    Executed, InstanceId, ServiceName, Subject,
    proto::{Detail, Reason},
};

/// The error of every operation: what failed, and whether the remote handler was executed.
///
/// `{}` prints a sentence that names the subject and the service. The underlying error, such as a
/// format's or a broker's own, is the cause, and [`source`](StdError::source) returns it. `{:#}`
/// prints the sentence with all causes, each once, and `{:?}` adds the kind and whether the handler
/// was executed; a `main` that returns the error prints that. Both print one line of slightly more
/// than 1,024 bytes at most, without the values that a format quotes. `{:#?}` prints the parts in
/// lines of their own. Control characters in a peer's texts are escaped.
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
    /// Shared with copies of this error.
    cause: Option<Arc<dyn StdError + Send + Sync>>,
    /// The failure that the handler returned; `detail` is its text.
    failure: Option<Arc<Failure>>,
    /// It concerns the body of a received message that is not a reply.
    is_of_message: bool,
    /// The peer reported it.
    is_peers: bool,
    /// Where the message or request was sent.
    about: Option<(ServiceName, Subject)>,
    /// The instance that reported it.
    instance: Option<InstanceId>,
}

impl Error {
    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether the remote handler was executed. Errors that involve no peer, such as an
    /// invalid name, return [`Executed::No`]. Errors from reading or decoding a reply return
    /// [`Executed::Yes`].
    #[must_use]
    pub fn executed(&self) -> Executed {
        self.0.executed
    }

    /// Returns whether the same call may succeed later, or at another instance, and can be retried
    /// without executing the work twice: nothing was [executed](Self::executed), and the cause may
    /// be temporary.
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

    /// Returns the [`Failure`] that the remote handler returned, if any.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let of_cause = || self.0.cause.as_deref()?.downcast_ref::<Self>()?.failure();
        self.0.failure.as_deref().or_else(of_cause)
    }

    /// Returns the instance that reported this error, if one did; for [`Lost`](ErrorKind::Lost),
    /// the instance that fell silent.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        self.0.instance
    }

    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            executed: Executed::No,
            detail: detail.into(),
            cause: None,
            failure: None,
            is_of_message: false,
            is_peers: false,
            about: None,
            instance: None,
        }))
    }

    pub(crate) fn with_cause(
        kind: ErrorKind,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let mut error = Self::from(kind);
        error.0.cause = Some(Arc::from(cause.into()));
        error
    }

    /// Sets an earlier error as the cause.
    pub(crate) fn because_of(mut self, other: Self) -> Self {
        self.0.cause = Some(Arc::new(other));
        self
    }

    pub(crate) fn with_executed(mut self, executed: Executed) -> Self {
        self.0.executed = executed;
        self
    }

    /// Sets the service and subject, unless they are set already.
    pub(crate) fn about(mut self, service: &ServiceName, subject: &Subject) -> Self {
        self.0.about.get_or_insert_with(|| (service.clone(), subject.clone()));
        self
    }

    /// Returns whether they are set.
    pub(crate) fn is_about_subject(&self) -> bool {
        self.0.about.is_some()
    }

    /// Marks that it concerns the body of a received message.
    pub(crate) fn of_message(mut self) -> Self {
        self.0.is_of_message = true;
        self
    }

    /// Returns whether it concerns the body of a received message that is not a reply.
    pub(crate) fn is_of_message(&self) -> bool {
        self.0.is_of_message
    }

    pub(crate) fn heard_from(mut self, instance: InstanceId) -> Self {
        self.0.instance = Some(instance);
        self
    }

    /// Copies an error, sharing its cause.
    pub(crate) fn copy_of(other: &Self) -> Self {
        Self(Box::new(Inner::clone(&other.0)))
    }

    /// Converts the failure that the answerer of a request reported.
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

    /// Converts a reason that arose on this side.
    pub(crate) fn from_own_reason(reason: &Reason) -> Self {
        let mut error = Self::from_reason(reason);
        error.0.is_peers = false;
        error
    }

    /// Converts a reason that a peer reported.
    pub(crate) fn from_reason(reason: &Reason) -> Self {
        let executed = reason.code.executed();
        let mut error =
            Self::new(ErrorKind::of(reason.code), reason.text.clone()).with_executed(executed);
        error.0.is_peers = true;
        error
    }
}

/// Iterates over an error and its causes, up to a bound.
fn chain<'a>(
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
            return fmt::Display::fmt(&Causes(self), f);
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
        let Inner { kind, executed, about, instance, failure, .. } = &*self.0;
        if !f.alternate() {
            return write!(f, "{self:#} ({kind:?}, executed: {executed:?})");
        }
        let mut parts = f.debug_struct("Error");
        parts.field("kind", kind).field("executed", executed);
        if let Some((service, subject)) = about {
            parts.field("service", service).field("subject", subject);
        }
        if let Some(instance) = instance {
            parts.field("instance", instance);
        }
        if let Some(failure) = failure {
            parts.field("code", &failure.code());
        }
        parts.field("text", &format_args!("{self:#}")).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ReasonCode;

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
