use std::{fmt, str::FromStr};

use crate::{InstanceId, MessageId, ServiceName, Subject, id};

/// The address of a packet or a subscription. A transport maps it to a name of its broker;
/// different addresses have different names.
///
/// ```
/// use conduit::transport::{Address, Targets};
///
/// /// Maps an address to a name of the broker.
/// fn name(address: &Address) -> String {
///     match address {
///         Address::Subject { service, subject, targets } => {
///             format!("{service}.{}{}.{subject}", targets.plain() as u8, targets.group() as u8)
///         }
///         Address::Inbox { service, instance } => format!("{service}.inbox.{instance}"),
///         Address::Control { service } => format!("{service}.control"),
///         Address::Directory => "directory".to_owned(), // the others have dots
///     }
/// }
///
/// let (service, subject) = ("shop".parse()?, "order.made".parse()?);
/// let address = Address::Subject { service, subject, targets: Targets::Both };
/// assert_eq!(name(&address), "shop.11.order.made");
/// # Ok::<(), conduit::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// The bindings of a subject, in every instance of a service.
    Subject {
        /// The service that has the bindings.
        service: ServiceName,
        /// The subject they are bound to.
        subject: Subject,
        /// The kinds of bindings.
        targets: Targets,
    },
    /// One instance, for replies, chunks, credit and failures.
    Inbox {
        /// The service of the instance.
        service: ServiceName,
        /// The instance.
        instance: InstanceId,
    },
    /// All instances of a service.
    Control {
        /// The service.
        service: ServiceName,
    },
    /// The instances of all services that answer the question which services there are: see
    /// [`discoverable`](crate::Builder::discoverable).
    Directory,
}

impl Address {
    pub(crate) fn inbox(service: &ServiceName, instance: InstanceId) -> Self {
        Self::Inbox { service: service.clone(), instance }
    }

    /// Returns the service that receives packets sent to this address; `None` for the directory.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Subject { service, .. }
            | Self::Inbox { service, .. }
            | Self::Control { service } => Some(service),
            Self::Directory => None,
        }
    }
}

/// One kind of bindings of a subject.
///
/// ```
/// use conduit::transport::{Target, Targets};
///
/// assert_eq!(Targets::from(Target::Plain), Targets::Plain);
/// assert_eq!(Targets::from(Target::Group), Targets::Group);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Plain bindings: each receives every message.
    Plain,
    /// Queue bindings: one of them receives each message.
    Group,
}

/// The kinds of bindings that a packet is for.
///
/// ```
/// use conduit::transport::Targets;
///
/// assert!(Targets::Both.plain() && Targets::Both.group());
/// assert!(Targets::Plain.plain() && !Targets::Plain.group());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Targets {
    /// Every plain subscription.
    Plain,
    /// One member of the group.
    Group,
    /// Every plain subscription, and one member of the group.
    Both,
}

impl Targets {
    /// Returns whether these include plain subscriptions.
    #[must_use]
    pub fn plain(self) -> bool {
        matches!(self, Self::Plain | Self::Both)
    }

    /// Returns whether these include the group.
    #[must_use]
    pub fn group(self) -> bool {
        matches!(self, Self::Group | Self::Both)
    }
}

impl From<Target> for Targets {
    fn from(target: Target) -> Self {
        match target {
            Target::Plain => Self::Plain,
            Target::Group => Self::Group,
        }
    }
}

/// Identifies a published packet in the notice that it had no subscriber.
///
/// A transport that has to carry it in a name or a string uses its text form, 49 lowercase ASCII
/// letters and digits.
///
/// ```
/// use conduit::{MessageId, transport::{Targets, Token}};
///
/// let message = MessageId::from_bytes([0xab; MessageId::LEN]);
/// let token = Token { message, targets: Targets::Group, tag: 7 };
/// let text = token.to_string();
/// assert_eq!(text, "gabababababababababababababababab0000000000000007");
/// assert_eq!(text.parse(), Ok(token));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The message that the packet belongs to.
    pub message: MessageId,
    /// The bindings that the packet is for.
    pub targets: Targets,
    /// An authentication tag over the other fields, which only the publisher can compute. A
    /// transport carries it unchanged.
    pub tag: u64,
}

/// The error of a text that is not a token.
///
/// ```
/// use conduit::transport::{InvalidToken, Token};
///
/// assert_eq!("g00".parse::<Token>(), Err(InvalidToken));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 'p', 'g' or 'b', and 48 lowercase hexadecimal digits")]
pub struct InvalidToken;

/// Prints the sentence; `{:#?}` prints the name.
impl fmt::Debug for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { f.write_str("InvalidToken") } else { fmt::Display::fmt(self, f) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.targets {
            Targets::Plain => "p",
            Targets::Group => "g",
            Targets::Both => "b",
        })?;
        id::write_hex(self.message.to_bytes(), f)?;
        id::write_hex(self.tag.to_be_bytes(), f)
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        const DIGITS: usize = 2 * MessageId::LEN;
        let (targets, digits) = text.split_at_checked(1).ok_or(InvalidToken)?;
        let targets = match targets {
            "p" => Targets::Plain,
            "g" => Targets::Group,
            "b" => Targets::Both,
            _ => return Err(InvalidToken),
        };
        let (message, tag) = digits.split_at_checked(DIGITS).ok_or(InvalidToken)?;
        if tag.len() != 16 || !id::is_hex(tag) {
            return Err(InvalidToken);
        }
        Ok(Self {
            message: message.parse().map_err(|_| InvalidToken)?,
            targets,
            tag: u64::from_str_radix(tag, 16).map_err(|_| InvalidToken)?,
        })
    }
}
