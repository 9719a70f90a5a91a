//! Validated names of services and subjects.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// The maximum length of a service name, in bytes.
pub const MAX_SERVICE_NAME: usize = 128;
/// The maximum length of a namespace, in bytes.
pub const MAX_NAMESPACE: usize = 128;
/// The maximum length of a subject, in bytes.
pub const MAX_SUBJECT: usize = 256;

/// The name of a service: 1 to 128 ASCII letters, digits, `-` and `_`.
///
/// Cheap to clone. Names are compared byte by byte, so they are case-sensitive.
///
/// ```
/// use conduit::ServiceName;
///
/// let name: ServiceName = "user-service".parse()?;
/// assert_eq!(name.as_str(), "user-service");
/// assert!("user.service".parse::<ServiceName>().is_err());
/// # Ok::<(), conduit::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Arc<str>);

/// The subject of a message: tokens of ASCII letters, digits, `-` and `_`, separated by single
/// dots, at most 256 bytes.
///
/// There are no wildcards. Cheap to clone.
///
/// ```
/// use conduit::Subject;
///
/// let subject: Subject = "user.created".parse()?;
/// assert_eq!(subject.as_str(), "user.created");
/// assert!("user.*".parse::<Subject>().is_err());
/// # Ok::<(), conduit::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Arc<str>);

/// Separates the conduits of one broker: those in different namespaces never meet, whatever their
/// services are called. 1 to 128 ASCII letters, digits, `-` and `_`.
///
/// A transport takes one where it is made, and a conduit knows nothing of it. Cheap to clone.
///
/// ```
/// use conduit::transport::Namespace;
///
/// let namespace: Namespace = "staging".parse()?;
/// assert_eq!(namespace.as_str(), "staging");
/// assert!("staging.2".parse::<Namespace>().is_err());
/// # Ok::<(), conduit::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

/// The error of an invalid name, with the rule that it breaks.
///
/// ```
/// use conduit::{NameRule, Subject};
///
/// let error = Subject::new("user.*").expect_err("there are no wildcards");
/// assert_eq!(error.name(), "user.*");
/// assert_eq!(error.rule(), NameRule::Character('*'));
/// assert_eq!(format!("{error:?}"), error.to_string(), "`main` may return it");
/// ```
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{name:?} cannot be a {what}: {rule}")]
pub struct NameError {
    what: &'static str,
    name: String,
    rule: NameRule,
}

/// The rule that a name breaks.
///
/// ```
/// use conduit::{MAX_SERVICE_NAME, NameRule, ServiceName, Subject};
///
/// let rule = |name: &str| Subject::new(name).map_err(|error| error.rule());
/// assert_eq!(rule(""), Err(NameRule::Empty));
/// assert_eq!(rule("user..created"), Err(NameRule::EmptyToken));
/// let error = ServiceName::new("x".repeat(129)).expect_err("it is too long");
/// assert_eq!(error.rule(), NameRule::TooLong(MAX_SERVICE_NAME));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameRule {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than this many bytes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It contains a character other than an ASCII letter, a digit, `-` or `_`.
    #[error("{0:?} is not an ASCII letter, a digit, '-' or '_'")]
    Character(char),
    /// A dot is at its start, at its end, or next to another dot.
    #[error("a dot has to stand between two tokens")]
    EmptyToken,
}

impl NameError {
    /// Returns the rule that was broken.
    #[must_use]
    pub fn rule(&self) -> NameRule {
        self.rule
    }

    /// Returns the invalid name, cut to its first 64 characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(what: &'static str, name: &str, rule: NameRule) -> Self {
        const SHOWN: usize = 64;
        Self { what, name: name.chars().take(SHOWN).collect(), rule }
    }
}

/// Prints the sentence; `{:#?}` prints the parts.
impl fmt::Debug for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        let mut parts = f.debug_struct("NameError");
        parts.field("name", &self.name).field("rule", &self.rule).finish()
    }
}

/// What a name breaks, as a constant expression can find it out. A character is given by its place.
#[derive(Clone, Copy)]
enum Fault {
    Empty,
    TooLong(usize),
    Character(usize),
    EmptyToken,
}

impl Fault {
    fn rule(self, name: &str) -> NameRule {
        match self {
            Self::Empty => NameRule::Empty,
            Self::TooLong(most) => NameRule::TooLong(most),
            // A character of several bytes is at fault from its first one, so there is one.
            Self::Character(at) => {
                name[at..].chars().next().map_or(NameRule::Empty, NameRule::Character)
            }
            Self::EmptyToken => NameRule::EmptyToken,
        }
    }
}

/// Returns the first fault of a name, if there is one.
const fn fault(name: &str, most: usize, has_dots: bool) -> Option<Fault> {
    let name = name.as_bytes();
    if name.is_empty() {
        return Some(Fault::Empty);
    }
    if name.len() > most {
        return Some(Fault::TooLong(most));
    }
    let (mut at, mut token) = (0, 0);
    while at < name.len() {
        match name[at] {
            b'.' if has_dots && at == token => return Some(Fault::EmptyToken),
            b'.' if has_dots => token = at + 1,
            b'-' | b'_' => {}
            byte if byte.is_ascii_alphanumeric() => {}
            _ => return Some(Fault::Character(at)),
        }
        at += 1;
    }
    if token == at { Some(Fault::EmptyToken) } else { None }
}

const fn service_fault(name: &str) -> Option<Fault> {
    fault(name, MAX_SERVICE_NAME, false)
}

const fn namespace_fault(name: &str) -> Option<Fault> {
    fault(name, MAX_NAMESPACE, false)
}

const fn subject_fault(name: &str) -> Option<Fault> {
    fault(name, MAX_SUBJECT, true)
}

/// Checks a subject that is known when a program is compiled.
///
/// # Panics
/// If it is not valid. In a constant, that is an error of the compiler.
pub(crate) const fn assert_subject(name: &str) {
    match subject_fault(name) {
        None => {}
        Some(Fault::Empty) => panic!("a subject is not empty"),
        Some(Fault::TooLong(_)) => panic!("a subject has at most 256 bytes"),
        Some(Fault::Character(_)) => {
            panic!(
                "a subject consists of ASCII letters, digits, '-', '_', and dots between tokens"
            );
        }
        Some(Fault::EmptyToken) => panic!("a dot in a subject has to stand between two tokens"),
    }
}

macro_rules! name {
    ($Name:ident, $what:literal, $fault:ident) => {
        impl $Name {
            /// Validates a name.
            ///
            /// # Errors
            /// [`NameError`] with the rule that the name breaks.
            pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
                let name = name.as_ref();
                match $fault(name) {
                    None => Ok(Self(name.into())),
                    Some(fault) => Err(NameError::new($what, name, fault.rule(name))),
                }
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $Name {
            type Error = NameError;
            fn try_from(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<&String> for $Name {
            type Error = NameError;
            fn try_from(name: &String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<&$Name> for $Name {
            fn from(name: &$Name) -> Self {
                name.clone()
            }
        }

        impl AsRef<str> for $Name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $Name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name!(ServiceName, "service name", service_fault);
name!(Subject, "subject", subject_fault);
name!(Namespace, "namespace", namespace_fault);
