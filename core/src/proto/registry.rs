use std::collections::{BTreeMap, VecDeque};

use crate::{Subject, address::Target};

/// The id of a binding within its conduit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u64);

/// The id of a subscription that one or many bindings share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u64);

/// The kind of a binding: which messages it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// Every message.
    Broadcast,
    /// One message, as a plain binding.
    Once,
    /// Its share of the messages, as a member of the queue group.
    Queue,
}

impl BindingKind {
    /// Returns how messages to a binding of this kind are addressed.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Broadcast | Self::Once => Target::Plain,
            Self::Queue => Target::Group,
        }
    }
}

/// The result of adding a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The id of the binding.
    pub binding: BindingId,
    /// The subscription it shares.
    pub route: RouteId,
    /// Whether it is the first of its route: the caller has to subscribe.
    pub subscribe: bool,
}

/// The result of removing a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The subscription it shared.
    pub route: RouteId,
    /// Whether it was the last of its route: the caller has to leave the subscription, and to call
    /// [`Registry::gone`] when that is done.
    pub leave: bool,
}

/// The bindings of a conduit, and which of them a packet is for.
///
/// The first binding of a subject and target creates a route, and removing the last one ends it.
/// Until the caller reports that the route is gone, its last binding still receives what was routed
/// to it; meanwhile a new binding of the subject creates a new route.
#[derive(Debug, Default)]
pub struct Registry {
    next: u64,
    current: BTreeMap<(Subject, Target), RouteId>,
    routes: BTreeMap<RouteId, RouteEntry>,
    bindings: BTreeMap<BindingId, BindingEntry>,
}

#[derive(Debug, Clone, Copy)]
struct BindingEntry {
    route: RouteId,
    kind: BindingKind,
    /// It was not removed. A removed one is the last of its route, and receives what is left.
    bound: bool,
}

#[derive(Debug)]
struct RouteEntry {
    key: (Subject, Target),
    /// The next member is first.
    members: VecDeque<BindingId>,
    leaving: bool,
}

impl Registry {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a binding.
    pub fn bind(&mut self, subject: Subject, kind: BindingKind) -> Joined {
        let binding = BindingId(self.number());
        let key = (subject, kind.target());
        let current = self.current.get(&key).copied();
        let route = current.unwrap_or_else(|| {
            let route = RouteId(self.number());
            self.current.insert(key.clone(), route);
            let members = VecDeque::new();
            self.routes.insert(route, RouteEntry { key, members, leaving: false });
            route
        });
        if let Some(route) = self.routes.get_mut(&route) {
            route.members.push_back(binding);
        }
        self.bindings.insert(binding, BindingEntry { route, kind, bound: true });
        Joined { binding, route, subscribe: current.is_none() }
    }

    /// Removes a binding. Has no effect if it was removed before.
    pub fn unbind(&mut self, binding: BindingId) -> Option<Left> {
        let entry = self.bindings.get_mut(&binding)?;
        if !std::mem::take(&mut entry.bound) {
            return None;
        }
        let id = entry.route;
        let route = self.routes.get_mut(&id)?;
        let leave = route.members.len() == 1;
        if leave {
            route.leaving = true;
            self.current.remove(&route.key);
        } else {
            self.forget(binding);
        }
        Some(Left { route: id, leave })
    }

    /// Removes a route: the broker has stopped routing to it, and everything routed was read.
    pub fn gone(&mut self, route: RouteId) {
        let Some(route) = self.routes.remove(&route) else {
            return;
        };
        if !route.leaving {
            self.current.remove(&route.key);
        }
        for member in route.members {
            self.bindings.remove(&member);
        }
    }

    /// Iterates over the bindings that share a route. In a group, the first that can takes the
    /// message.
    pub fn members(&self, route: RouteId) -> impl Iterator<Item = BindingId> {
        self.routes.get(&route).into_iter().flat_map(|route| route.members.iter().copied())
    }

    /// Notes that a binding took a message: a member goes to the end of its group, and a binding
    /// for one message is removed.
    pub fn took(&mut self, binding: BindingId) -> Option<Left> {
        let &BindingEntry { route, kind, .. } = self.bindings.get(&binding)?;
        match kind {
            BindingKind::Broadcast => None,
            BindingKind::Once => {
                let left = self.unbind(binding);
                // It takes no second message, even if the route still has some.
                self.forget(binding);
                left
            }
            BindingKind::Queue => {
                let members = &mut self.routes.get_mut(&route)?.members;
                if let Some(at) = members.iter().position(|member| *member == binding) {
                    members.remove(at);
                    members.push_back(binding);
                }
                None
            }
        }
    }

    fn forget(&mut self, binding: BindingId) {
        let entry = self.bindings.remove(&binding);
        if let Some(route) = entry.and_then(|entry| self.routes.get_mut(&entry.route)) {
            route.members.retain(|member| *member != binding);
        }
    }

    /// Returns whether a binding can still receive messages: it is bound, or its route is leaving.
    #[must_use]
    pub fn is_known(&self, binding: BindingId) -> bool {
        self.bindings.contains_key(&binding)
    }

    /// Returns whether a binding exists and was not removed.
    #[must_use]
    pub fn is_bound(&self, binding: BindingId) -> bool {
        self.bindings.get(&binding).is_some_and(|entry| entry.bound)
    }

    /// Returns the number of bindings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bindings.values().filter(|entry| entry.bound).count()
    }

    /// Returns whether there are no bindings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
