use std::{error::Error as StdError, fmt};

/// Something that the server did not permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    Publish(String),
    Subscribe(String),
    /// The server doesn't say which subscription it was.
    TooManySubscriptions,
}

impl Violation {
    pub(crate) fn subject(&self) -> &str {
        match self {
            Self::Publish(subject) | Self::Subscribe(subject) => subject,
            Self::TooManySubscriptions => "",
        }
    }

    /// Whether this may be what the server said of another.
    pub(crate) fn explains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::TooManySubscriptions, Self::Subscribe(_)) => true,
            _ => self == other,
        }
    }

    /// Reads the server's `Permissions Violation for Publish to "a.b"`, or `.. for Subscription to
    /// "a.b"`, which may go on with the queue group.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("maximum subscriptions exceeded") {
            return Some(Self::TooManySubscriptions);
        }
        let rest = text.strip_prefix("Permissions Violation for ")?;
        let (what, rest) = rest.split_once(" to \"")?;
        // Our own subjects hold nothing that the server would escape.
        let subject = rest.split('"').next()?.to_owned();
        match what {
            "Publish" => Some(Self::Publish(subject)),
            "Subscription" => Some(Self::Subscribe(subject)),
            _ => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(subject) => write!(f, "the user may not publish to \"{subject}\""),
            Self::Subscribe(subject) => write!(f, "the user may not subscribe to \"{subject}\""),
            Self::TooManySubscriptions => f.write_str("the server takes no more subscriptions"),
        }
    }
}

impl StdError for Violation {}

#[cfg(test)]
mod tests {
    use super::Violation;

    #[test]
    fn what_a_server_says_is_understood() {
        let publish = "Permissions Violation for Publish to \"conduit.a.s.1.1.b\"";
        assert_eq!(Violation::parse(publish), Some(Violation::Publish("conduit.a.s.1.1.b".into())));
        let subscribe = "Permissions Violation for Subscription to \"conduit.a.s.*.1.b\" using queue \"conduit\"";
        assert_eq!(
            Violation::parse(subscribe),
            Some(Violation::Subscribe("conduit.a.s.*.1.b".into()))
        );
        for text in ["Permissions Violation for Publish with Reply of \"a\"", "Authorization", ""] {
            assert_eq!(Violation::parse(text), None, "{text}");
        }
    }
}
