//! Addresses as NATS subjects: the only place that knows them.
//! [`operating`](crate::operating) has the table.
//!
//! Names hold no dots but those between the tokens of a [`Subject`](conduit::Subject), and no
//! wildcards, so two addresses never share a NATS subject.

use std::{fmt::Write, sync::Arc};

use conduit::transport::{Address, Namespace, Targets, Token};

/// The queue group of every group binding.
pub(crate) const QUEUE: &str = "conduit";

/// What an instance listens to on its own, by the third token of the subject. Packets come from
/// others, notices from the server alone.
const PACKETS: &str = "i";
const NOTICES: &str = "n";

/// The last token of what is sent to an inbox.
const PACKET: &str = "p";

/// The first token of all subjects of a namespace: another one for each, and for none.
#[derive(Clone)]
pub(crate) struct Root(Arc<str>);

impl Root {
    pub(crate) fn of(namespace: &Namespace) -> Self {
        Self(join(&["conduit-", namespace.as_str()]).into())
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

/// Without a namespace.
impl Default for Root {
    fn default() -> Self {
        Self("conduit".into())
    }
}

impl Root {
    /// What a packet for an address is published to.
    pub(crate) fn publish(&self, to: &Address) -> String {
        let root = self.as_str();
        match to {
            Address::Subject { service, subject, targets } => {
                let flags = match targets {
                    Targets::Plain => ".s.1.0.",
                    Targets::Group => ".s.0.1.",
                    Targets::Both => ".s.1.1.",
                };
                join(&[root, ".", service.as_str(), flags, subject.as_str()])
            }
            Address::Inbox { service, instance } => {
                join(&[root, ".", service.as_str(), ".i.", &instance.to_string(), ".", PACKET])
            }
            Address::Control { service } => join(&[root, ".", service.as_str(), ".c"]),
            // No other subject has two tokens.
            Address::Directory => join(&[root, ".directory"]),
        }
    }

    /// What a subscription to an address listens to, and its queue group. A subject with both targets
    /// is for publishing only, and is `None`.
    pub(crate) fn subscribe(&self, at: &Address) -> Option<(String, Option<&'static str>)> {
        let root = self.as_str();
        let (subject, queue) = match at {
            Address::Subject { service, subject, targets } => {
                let (flags, queue) = match targets {
                    Targets::Plain => (".s.1.*.", None),
                    Targets::Group => (".s.*.1.", Some(QUEUE)),
                    Targets::Both => return None,
                };
                (join(&[root, ".", service.as_str(), flags, subject.as_str()]), queue)
            }
            Address::Inbox { service, instance } => {
                // Packets and notices, in the order in which the server sends them.
                (join(&[root, ".", service.as_str(), ".*.", &instance.to_string(), ".*"]), None)
            }
            Address::Control { .. } | Address::Directory => (self.publish(at), None),
        };
        Some((subject, queue))
    }

    /// Where the broker reports that there was no subscriber: the reply subject of a publish. Only an
    /// inbox can take notices.
    pub(crate) fn notice(&self, to: &Address, token: Token) -> Option<String> {
        let root = self.as_str();
        let Address::Inbox { service, instance } = to else {
            return None;
        };
        // Every request has one.
        let mut subject = String::with_capacity(root.len() + service.as_str().len() + 89);
        write!(subject, "{root}.{service}.{NOTICES}.{instance}.{token}").ok()?;
        Some(subject)
    }

    /// Under what the owner of an inbox sends the marks of its flushes to itself.
    pub(crate) fn marks(&self, inbox: &Address) -> Option<String> {
        let root = self.as_str();
        let Address::Inbox { service, instance } = inbox else {
            return None;
        };
        Some(join(&[root, ".", service.as_str(), ".f.", &instance.to_string()]))
    }
}

/// The place that a packet is published to, as far as permissions are concerned: all subjects of a
/// service are one, all its inboxes are another, its control address is a third, and the directory
/// is one of its own.
pub(crate) fn place(published_to: &str) -> &str {
    let third_dot = published_to.match_indices('.').nth(2);
    third_dot.map_or(published_to, |(end, _)| &published_to[..end])
}

/// A mark is one token with the instance, so that an inbox does not get it as well.
pub(crate) fn mark(marks: &str, number: u64) -> String {
    format!("{marks}-{number:016x}")
}

/// What arrived at an inbox, by the last token of its subject.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A packet.
    Packet,
    /// A notice of the broker, if its status says so.
    Notice(Token),
    /// Something that nobody sends who keeps to the protocol.
    Unknown,
}

/// Tells what arrived at an inbox by the NATS subject it came on.
pub(crate) fn arrival(subject: &str) -> Arrival {
    let mut tokens = subject.rsplit('.');
    let (last, _instance, kind) = (tokens.next(), tokens.next(), tokens.next());
    match (kind, last) {
        (Some(PACKETS), Some(PACKET)) => Arrival::Packet,
        (Some(NOTICES), Some(token)) => token.parse().map_or(Arrival::Unknown, Arrival::Notice),
        _ => Arrival::Unknown,
    }
}

/// One allocation of the exact length, which `Bytes` then takes over as it is.
fn join(parts: &[&str]) -> String {
    parts.concat()
}

#[cfg(test)]
mod tests;
