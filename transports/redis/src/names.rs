//! Addresses as Redis channels and keys: the only place that knows them.
//! [`operating`](crate::operating) has the table.
//!
//! Names hold no dots but those between the tokens of a [`Subject`](conduit::Subject), and no
//! braces, so two addresses never share a channel or a key. The service stands in braces: in a
//! cluster all that is of one service lies in one slot.

use std::sync::Arc;

use conduit::transport::{Address, Namespace, Targets};

/// The first token of all names of a namespace: another one for each, and for none.
#[derive(Clone)]
pub(crate) struct Root(Arc<str>);

impl Root {
    pub(crate) fn of(namespace: &Namespace) -> Self {
        Self(format!("conduit-{namespace}").into())
    }
}

/// Without a namespace.
impl Default for Root {
    fn default() -> Self {
        Self("conduit".into())
    }
}

/// Where a packet goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// To a channel.
    Channel(String),
    /// To a member of a group, and to a channel if it is for both.
    Group { group: Group, plain: Option<String> },
}

/// The group of a subject: its members in the order of their turns, and when each was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The key of the sorted set of members by turn.
    pub(crate) turns: String,
    /// The key of the sorted set of members by the time at which they were last seen.
    pub(crate) seen: String,
    /// What the channel of a member begins with; the member's id follows.
    pub(crate) member: String,
}

impl Root {
    pub(crate) fn name(&self, address: &Address) -> Name {
        match address {
            Address::Subject { service, subject, targets } => {
                let plain = || self.of_service(service.as_str(), &["s.p", subject.as_str()]);
                match targets {
                    Targets::Plain => Name::Channel(plain()),
                    Targets::Group | Targets::Both => Name::Group {
                        group: Group {
                            turns: self.of_service(service.as_str(), &["t", subject.as_str()]),
                            seen: self.of_service(service.as_str(), &["m", subject.as_str()]),
                            member: self
                                .of_service(service.as_str(), &["s.g", subject.as_str(), ""]),
                        },
                        plain: targets.plain().then(plain),
                    },
                }
            }
            Address::Inbox { service, instance } => {
                Name::Channel(self.of_service(service.as_str(), &["i", &instance.to_string()]))
            }
            Address::Control { service } => {
                Name::Channel(self.of_service(service.as_str(), &["c"]))
            }
            // No other name is without braces.
            Address::Directory => Name::Channel(format!("{}.directory", self.0)),
        }
    }

    /// The place that a packet is published to, as far as permissions are concerned: all subjects
    /// of a service are one, all its inboxes are another, its control address is a third.
    pub(crate) fn place(&self, address: &Address) -> String {
        let (service, kind) = match address {
            Address::Subject { service, targets: Targets::Plain, .. } => (service, "s.p"),
            // Those need keys besides.
            Address::Subject { service, .. } => (service, "s.g"),
            Address::Inbox { service, .. } => (service, "i"),
            Address::Control { service } => (service, "c"),
            Address::Directory => return format!("{}.directory", self.0),
        };
        self.of_service(service.as_str(), &[kind])
    }

    fn of_service(&self, service: &str, rest: &[&str]) -> String {
        let root = &self.0;
        format!("{root}.{{{service}}}.{}", rest.join("."))
    }
}

impl Name {
    /// How errors name it; it has the slot of all that belongs to it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Channel(channel) => channel,
            Self::Group { group, .. } => &group.turns,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use conduit::{
        InstanceId,
        transport::{Address, Targets},
    };

    use super::{Name, Root};

    #[test]
    fn names_are_those_of_the_documentation() {
        let (service, subject) = ("users", "user.created");
        let address = |targets| Address::Subject {
            service: service.parse().expect("a name"),
            subject: subject.parse().expect("a subject"),
            targets,
        };
        let root = Root::of(&"test".parse().expect("a namespace"));
        let plain = "conduit-test.{users}.s.p.user.created";
        assert_eq!(root.name(&address(Targets::Plain)), Name::Channel(plain.into()));
        let Name::Group { group, plain: also } = root.name(&address(Targets::Both)) else {
            panic!("both is for a group too")
        };
        assert_eq!(group.turns, "conduit-test.{users}.t.user.created");
        assert_eq!(group.seen, "conduit-test.{users}.m.user.created");
        assert_eq!(group.member, "conduit-test.{users}.s.g.user.created.");
        assert_eq!(also.as_deref(), Some(plain));
    }

    #[test]
    fn no_two_addresses_share_a_name() {
        let instance = InstanceId::from_bytes([7; InstanceId::LEN]);
        let digits = instance.to_string();
        let tokens = ["s", "p", "g", "i", "c", "t", "m", "a", digits.as_str()];
        let mut names = HashSet::new();
        for service in tokens {
            let service: conduit::ServiceName = service.parse().expect("a name");
            let mut add = |address: Address| {
                let taken = match Root::default().name(&address) {
                    Name::Channel(channel) => vec![channel],
                    Name::Group { group, .. } => {
                        vec![group.turns, group.seen, group.member + &digits]
                    }
                };
                for name in taken {
                    assert!(names.insert(name.clone()), "{name}");
                }
            };
            add(Address::Control { service: service.clone() });
            add(Address::Inbox { service: service.clone(), instance });
            for one in tokens {
                for two in tokens {
                    for subject in [one.to_owned(), format!("{one}.{two}")] {
                        for targets in [Targets::Plain, Targets::Group] {
                            let subject = subject.parse().expect("a subject");
                            let address =
                                Address::Subject { service: service.clone(), subject, targets };
                            // A subject of one token comes once for each second one.
                            if two == tokens[0] || address_has_two(&address) {
                                add(address);
                            }
                        }
                    }
                }
            }
        }
    }

    fn address_has_two(address: &Address) -> bool {
        matches!(address, Address::Subject { subject, .. } if subject.as_str().contains('.'))
    }
}
