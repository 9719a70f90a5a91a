use std::collections::{BTreeMap, VecDeque};

use crate::{Subject, address::Target};

/// The name of a binding within its conduit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u64);

/// The name of a subscription that one or many bindings share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u64);

/// What a binding takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// Every message.
    Broadcast,
    /// One message, of those that go to every binding.
    Once,
    /// The messages that no other queue binding of the service takes.
    Queue,
}

impl BindingKind {
    /// How messages for such a binding are addressed.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Broadcast | Self::Once => Target::Plain,
            Self::Queue => Target::Group,
        }
    }
}

/// A binding was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Its name.
    pub binding: BindingId,
    /// The subscription it shares.
    pub route: RouteId,
    /// Whether it is the first: the caller subscribes.
    pub subscribe: bool,
}

/// A binding was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The subscription it shared.
    pub route: RouteId,
    /// Whether it was the last: the caller leaves, and says [`Registry::gone`] when that is done.
    pub leave: bool,
}

/// The bindings of a conduit, and which of them a packet is for.
///
/// The first binding of a subject and target makes a route, and the last one ends it. Until the
/// caller says that the route is gone, its last binding still gets what was routed to it; a new
/// binding of the subject makes a new route meanwhile.
#[derive(Debug, Default)]
pub struct Registry {
    next: u64,
    current: BTreeMap<(Subject, Target), RouteId>,
    routes: BTreeMap<RouteId, Route>,
    bindings: BTreeMap<BindingId, Binding>,
}

#[derive(Debug, Clone, Copy)]
struct Binding {
    route: RouteId,
    kind: BindingKind,
    /// It was not removed. If it was, it is the last of its route, and takes what is left.
    bound: bool,
}

#[derive(Debug)]
struct Route {
    key: (Subject, Target),
    /// Whose turn it is stands first.
    members: VecDeque<BindingId>,
    leaving: bool,
}

impl Registry {
    /// No bindings.
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
            self.routes.insert(route, Route { key, members, leaving: false });
            route
        });
        if let Some(route) = self.routes.get_mut(&route) {
            route.members.push_back(binding);
        }
        self.bindings.insert(binding, Binding { route, kind, bound: true });
        Joined { binding, route, subscribe: current.is_none() }
    }

    /// Removes a binding. Nothing happens where there is none: it was removed before.
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

    /// The broker routes nothing more to a route, and what it had routed was read.
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

    /// The bindings that share a route. Of a group, the first that can takes the message.
    pub fn members(&self, route: RouteId) -> impl Iterator<Item = BindingId> {
        self.routes.get(&route).into_iter().flat_map(|route| route.members.iter().copied())
    }

    /// A binding took a message: it goes to the end of its group, and one that takes only one is
    /// removed.
    pub fn took(&mut self, binding: BindingId) -> Option<Left> {
        let &Binding { route, kind, .. } = self.bindings.get(&binding)?;
        match kind {
            BindingKind::Broadcast => None,
            BindingKind::Once => {
                let left = self.unbind(binding);
                // It takes no second message, even where the route still holds some.
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

    /// Whether a binding can still get messages: it is bound, or its route is leaving.
    #[must_use]
    pub fn is_known(&self, binding: BindingId) -> bool {
        self.bindings.contains_key(&binding)
    }

    /// Whether a binding is there and was not removed.
    #[must_use]
    pub fn is_bound(&self, binding: BindingId) -> bool {
        self.bindings.get(&binding).is_some_and(|entry| entry.bound)
    }

    /// How many bindings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bindings.values().filter(|entry| entry.bound).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
