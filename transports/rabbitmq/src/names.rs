//! Addresses as exchanges, routing keys and queues of RabbitMQ: the only place that knows them.
//! [`operating`](crate::operating) has the table.

use std::sync::Arc;

use conduit::transport::{Address, Namespace, Targets};
use sha2::{Digest, Sha256};

/// The longest name and the longest key that a server takes.
const MAX_LEN: usize = 255;

/// The length of an id behind the beginning of the name of a queue, at most.
const ID_LEN: usize = 53;

/// The exchange of a namespace, or of none. All names begin with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What a subscription is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) exchange: Arc<str>,
    pub(crate) key: Box<str>,
    /// How errors name it.
    pub(crate) name: Arc<str>,
    pub(crate) queue: QueueName,
}

/// The queue of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueueName {
    /// One of its own, which begins with this; an id follows.
    Own(Box<str>),
    /// That of a group.
    Group(Box<str>),
}

impl Root {
    pub(crate) fn exchange(&self) -> &Arc<str> {
        &self.0
    }

    /// The routing key of what is published to an address.
    pub(crate) fn key(&self, to: &Address) -> String {
        match to {
            Address::Subject { service, subject, targets } => {
                let targets = match targets {
                    Targets::Plain => "1.0",
                    Targets::Group => "0.1",
                    Targets::Both => "1.1",
                };
                shortened(&format!("{service}.s.{targets}."), subject.as_str())
            }
            Address::Inbox { service, instance } => format!("{service}.i.{instance}"),
            Address::Control { service } => format!("{service}.c"),
            // No other key is a single token.
            Address::Directory => "directory".into(),
        }
    }

    /// How errors name an address.
    pub(crate) fn name(&self, key: &str) -> Arc<str> {
        format!("{}.{key}", self.0).into()
    }

    /// The place that a packet is published to, as far as permissions are concerned: all subjects of a
    /// service are one, all its inboxes are another, its control address is a third.
    pub(crate) fn place(&self, to: &Address) -> Box<str> {
        let (service, kind) = match to {
            Address::Subject { service, .. } => (service, "s"),
            Address::Inbox { service, .. } => (service, "i"),
            Address::Control { service } => (service, "c"),
            Address::Directory => return format!("{}.directory", self.0).into(),
        };
        format!("{}.{service}.{kind}", self.0).into()
    }

    /// What a subscription is bound to; `None` for both targets, which no subscription has.
    pub(crate) fn route(&self, at: &Address) -> Option<Route> {
        let root = &self.0;
        let own = |service: &str| QueueName::Own(self.own(service));
        let (key, queue) = match at {
            Address::Subject { service, subject, targets: Targets::Plain } => {
                let key = shortened(&format!("{service}.s.1.*."), subject.as_str());
                (key, own(service.as_str()))
            }
            Address::Subject { service, subject, targets: Targets::Group } => {
                let key = shortened(&format!("{service}.s.*.1."), subject.as_str());
                (key, QueueName::Group(self.group(service.as_str(), subject.as_str())))
            }
            Address::Subject { targets: Targets::Both, .. } => return None,
            Address::Inbox { service, .. } | Address::Control { service } => {
                (self.key(at), own(service.as_str()))
            }
            Address::Directory => (self.key(at), own("=directory")),
        };
        let name = self.name(&key);
        Some(Route { exchange: Arc::clone(root), key: key.into(), name, queue })
    }

    /// What a queue of one's own begins with.
    fn own(&self, service: &str) -> Box<str> {
        let name = format!("{}.{service}.q.", self.0);
        if name.len() + ID_LEN <= MAX_LEN {
            return name.into();
        }
        format!("{}.{service}.q.", self.hashed()).into()
    }

    fn hashed(&self) -> String {
        format!("conduit-={}", &hash(&self.0)[..32])
    }

    /// The queue of a group. Where the names are long, the namespace in front is a hash as well.
    fn group(&self, service: &str, subject: &str) -> Box<str> {
        let name = shortened(&format!("{}.{service}.g.", self.0), subject);
        if name.len() <= MAX_LEN {
            return name.into();
        }
        shortened(&format!("{}.{service}.g.", self.hashed()), subject).into()
    }
}

/// A name that keeps its beginning, and has a hash for the rest where it would be too long. No other
/// name has a `=`.
fn shortened(beginning: &str, rest: &str) -> String {
    if beginning.len() + rest.len() <= MAX_LEN {
        format!("{beginning}{rest}")
    } else {
        format!("{beginning}={}", hash(rest))
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use conduit::{
        InstanceId,
        transport::{Address, Targets},
    };

    use super::{ID_LEN, MAX_LEN, QueueName, Root};

    fn address(service: &str, subject: &str, targets: Targets) -> Address {
        Address::Subject {
            service: service.parse().expect("a name"),
            subject: subject.parse().expect("a subject"),
            targets,
        }
    }

    #[test]
    fn names_are_those_of_the_documentation() {
        let root = Root::of(&"test".parse().expect("a namespace"));
        let at = |targets| root.route(&address("users", "user.created", targets));
        let (plain, group) =
            (at(Targets::Plain).expect("a route"), at(Targets::Group).expect("one"));
        assert_eq!(&*plain.exchange, "conduit-test");
        assert_eq!(&*plain.key, "users.s.1.*.user.created");
        assert_eq!(plain.queue, QueueName::Own("conduit-test.users.q.".into()));
        assert_eq!(&*group.key, "users.s.*.1.user.created");
        assert_eq!(group.queue, QueueName::Group("conduit-test.users.g.user.created".into()));
        assert_eq!(at(Targets::Both), None);
        let to = |targets| root.key(&address("users", "user.created", targets));
        assert_eq!(to(Targets::Both), "users.s.1.1.user.created");
        assert_eq!(to(Targets::Group), "users.s.0.1.user.created");
    }

    #[test]
    fn long_names_keep_their_service_and_fit() {
        let (long, subject) = ("n".repeat(128), "s".repeat(256));
        let root = Root::of(&long.parse().expect("a namespace"));
        for targets in [Targets::Plain, Targets::Group] {
            let address = address(&long, &subject, targets);
            let route = root.route(&address).expect("a route");
            assert!(route.key.starts_with(&format!("{long}.s.")), "{}", route.key);
            let (QueueName::Group(queue) | QueueName::Own(queue)) = &route.queue;
            assert!(queue.contains(&format!(".{long}.")), "{queue}");
            assert!(root.key(&address).len() <= MAX_LEN && route.key.len() <= MAX_LEN);
            assert!(route.exchange.len() <= MAX_LEN);
            let id = if targets.group() { 0 } else { ID_LEN };
            assert!(queue.len() + id <= MAX_LEN, "{queue}");
        }
        let other = Root::of(&"m".repeat(128).parse().expect("a namespace"));
        let at = address(&long, &subject, Targets::Group);
        assert_ne!(root.route(&at).expect("a route").queue, other.route(&at).expect("one").queue);
    }

    #[test]
    fn no_two_addresses_share_a_key() {
        let instance = InstanceId::from_bytes([7; InstanceId::LEN]);
        let digits = instance.to_string();
        let tokens = ["s", "i", "c", "directory", "1", "0", digits.as_str()];
        let (root, mut keys) = (Root::default(), HashSet::from(["directory".to_owned()]));
        for name in tokens {
            let service = || name.parse().expect("a name");
            let inbox = Address::Inbox { service: service(), instance };
            let mut addresses = vec![Address::Control { service: service() }, inbox];
            let two = tokens.iter().flat_map(|one| tokens.map(|two| format!("{one}.{two}")));
            for subject in tokens.map(str::to_owned).into_iter().chain(two) {
                for targets in [Targets::Plain, Targets::Group, Targets::Both] {
                    addresses.push(address(name, &subject, targets));
                }
            }
            for address in addresses {
                let key = root.key(&address);
                assert!(keys.insert(key.clone()), "{key}");
            }
        }
    }
}
