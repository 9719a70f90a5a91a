//! The registry, against one that is too simple to be wrong.

use conduit::{
    Subject,
    proto::{BindingId, BindingKind, Joined, Left, Registry, RouteId},
};

use super::input::Input;

const KINDS: [BindingKind; 3] = [BindingKind::Broadcast, BindingKind::Once, BindingKind::Queue];

/// All that ever was, in one list each.
#[derive(Default)]
struct Model {
    bindings: Vec<Binding>,
    routes: Vec<Route>,
}

struct Binding {
    id: BindingId,
    route: RouteId,
    kind: BindingKind,
    bound: bool,
}

struct Route {
    id: RouteId,
    subject: usize,
    kind: BindingKind,
    /// New bindings join it.
    open: bool,
    members: Vec<BindingId>,
}

/// Plays an arbitrary sequence of calls on both, and compares.
pub(crate) fn registry(moves: &[u8]) {
    let subjects = ["a", "a.b", "b"].map(|name| Subject::new(name).expect("the name is valid"));
    let mut input = Input::new(moves);
    let (mut registry, mut model) = (Registry::new(), Model::default());
    while !input.is_empty() {
        match input.below(8) {
            0..=2 => {
                let subject = usize::from(input.below(3));
                let kind = KINDS[usize::from(input.below(3))];
                let joined = registry.bind(subjects[subject].clone(), kind);
                assert_eq!(model.bind(subject, kind, joined), joined);
            }
            3 | 4 => {
                let binding = model.some_binding(&mut input);
                assert_eq!(registry.unbind(binding), model.unbind(binding));
            }
            5 => {
                let route = model.some_route(&mut input);
                registry.gone(route);
                model.gone(route);
            }
            _ => {
                let binding = model.some_binding(&mut input);
                assert_eq!(registry.took(binding), model.took(binding));
            }
        }
        model.compare(&registry);
    }
}

impl Model {
    fn some_binding(&self, input: &mut Input<'_>) -> BindingId {
        let at = usize::from(input.byte()) % (self.bindings.len() + 1);
        self.bindings.get(at).map_or(BindingId(u64::MAX), |binding| binding.id)
    }

    fn some_route(&self, input: &mut Input<'_>) -> RouteId {
        let at = usize::from(input.byte()) % (self.routes.len() + 1);
        self.routes.get(at).map_or(RouteId(u64::MAX), |route| route.id)
    }

    fn bind(&mut self, subject: usize, kind: BindingKind, new: Joined) -> Joined {
        assert!(self.bindings.iter().all(|old| old.id != new.binding));
        let same = |route: &&mut Route| {
            route.open && route.subject == subject && route.kind.target() == kind.target()
        };
        let found = self.routes.iter_mut().find(same).map(|route| {
            route.members.push(new.binding);
            route.id
        });
        let route = found.unwrap_or_else(|| {
            assert!(self.routes.iter().all(|old| old.id != new.route));
            self.routes.push(Route {
                id: new.route,
                subject,
                kind,
                open: true,
                members: vec![new.binding],
            });
            new.route
        });
        self.bindings.push(Binding { id: new.binding, route, kind, bound: true });
        Joined { binding: new.binding, route, subscribe: found.is_none() }
    }

    fn unbind(&mut self, id: BindingId) -> Option<Left> {
        let binding = self.bindings.iter_mut().find(|binding| binding.id == id)?;
        if !binding.bound {
            return None;
        }
        binding.bound = false;
        let id = binding.route;
        let bindings = &self.bindings;
        let others = bindings.iter().any(|other| other.route == id && other.bound);
        let gone = removed(bindings, id);
        let route = self.routes.iter_mut().find(|route| route.id == id)?;
        if others {
            route.members.retain(|member| !gone.contains(member));
        } else {
            route.open = false;
        }
        Some(Left { route: id, leave: !others })
    }

    fn took(&mut self, id: BindingId) -> Option<Left> {
        let binding = self.bindings.iter().find(|binding| binding.id == id)?;
        let (route, kind) = (binding.route, binding.kind);
        let left = match kind {
            BindingKind::Once => self.unbind(id),
            _ => None,
        };
        let route = self.routes.iter_mut().find(|other| other.id == route)?;
        let was_member = route.members.contains(&id);
        if kind != BindingKind::Broadcast {
            route.members.retain(|member| *member != id);
        }
        if kind == BindingKind::Queue && was_member {
            route.members.push(id);
        }
        left
    }

    fn gone(&mut self, id: RouteId) {
        for binding in self.bindings.iter_mut().filter(|other| other.route == id) {
            binding.bound = false;
        }
        for route in self.routes.iter_mut().filter(|route| route.id == id) {
            route.open = false;
            route.members.clear();
        }
    }

    fn compare(&self, registry: &Registry) {
        for route in &self.routes {
            let members: Vec<BindingId> = registry.members(route.id).collect();
            assert_eq!(members, route.members);
        }
        for binding in &self.bindings {
            assert_eq!(registry.is_bound(binding.id), binding.bound);
        }
        let bound = self.bindings.iter().filter(|binding| binding.bound).count();
        assert_eq!(registry.len(), bound);
        assert_eq!(registry.is_empty(), bound == 0);
    }
}

/// The bindings of a route that were removed.
fn removed(bindings: &[Binding], route: RouteId) -> Vec<BindingId> {
    let gone = bindings.iter().filter(|other| other.route == route && !other.bound);
    gone.map(|binding| binding.id).collect()
}
