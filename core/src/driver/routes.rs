//! Subscriptions to subjects, and the bindings that share them.

mod members;
mod route;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub(super) use self::{
    members::Members,
    route::{Listening, Route, RoutePhase},
};
use super::{Mailbox, handing_on::HandingOn, work::Work};
use crate::{
    Subject,
    lock::lock,
    proto::{BindingId, BindingKind, Left, Registry, RouteId},
};

pub(crate) struct Routes {
    work: Arc<Work>,
    handing_on: Arc<HandingOn>,
    table: Mutex<RoutesTable>,
}

#[derive(Default)]
struct RoutesTable {
    registry: Registry,
    /// The bindings that have a reader, also after unbinding.
    bindings: BTreeMap<BindingId, BoundMailbox>,
    routes: BTreeMap<RouteId, Arc<Route>>,
}

#[derive(Clone)]
struct BoundMailbox {
    mailbox: Arc<Mailbox>,
    route: Arc<Route>,
}

impl Routes {
    pub(super) fn new(work: Arc<Work>, handing_on: Arc<HandingOn>) -> Self {
        Self { work, handing_on, table: Mutex::default() }
    }

    /// Adds a binding. Also returns whether its route is new, and has to be subscribed.
    pub(super) fn join(
        &self,
        subject: Subject,
        kind: BindingKind,
    ) -> (Arc<Mailbox>, Arc<Route>, bool) {
        let mut table = lock(&self.table);
        let joined = table.registry.bind(subject.clone(), kind);
        let records = &self.work.ground.records;
        let record = records.add(joined.binding, &subject, kind);
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&self.work), record));
        let tally = records.subject(&subject);
        let fresh = || Arc::new(Route::new(joined.route, subject, kind.target(), tally));
        let route = Arc::clone(table.routes.entry(joined.route).or_insert_with(fresh));
        let binding = BoundMailbox { mailbox: Arc::clone(&mailbox), route: Arc::clone(&route) };
        table.bindings.insert(joined.binding, binding);
        route.rebound();
        (mailbox, route, joined.subscribe)
    }

    /// Notes that a binding took a message.
    pub(super) fn took(&self, mailbox: &Mailbox) {
        let mut table = lock(&self.table);
        let left = table.registry.took(mailbox.id());
        if table.registry.is_known(mailbox.id()) {
            return;
        }
        // It has taken its only message and its route no longer knows it, so the end of the route
        // would not complete it. Its user may have unbound it a moment before.
        if let Some(left) = left {
            self.left(table, mailbox.id(), left);
        } else {
            drop(table);
        }
        mailbox.complete();
    }

    pub(super) fn unbind(&self, binding: BindingId) {
        let mut table = lock(&self.table);
        if let Some(left) = table.registry.unbind(binding) {
            self.left(table, binding, left);
        }
    }

    /// Handles the removal of a binding. The last one of its route still receives what is routed.
    fn left(&self, table: std::sync::MutexGuard<'_, RoutesTable>, binding: BindingId, left: Left) {
        let route = table.routes.get(&left.route).cloned();
        if let Some(route) = &route {
            route.rebound();
        }
        if left.leave {
            drop(table);
            if let Some(route) = route {
                route.enter(RoutePhase::Leaving);
            }
        } else {
            let left = table.bindings.get(&binding).cloned();
            drop(table);
            if let Some(left) = left {
                left.mailbox.complete();
            }
        }
    }

    /// Removes a route whose subscription has ended.
    pub(super) fn gone(&self, route: &Route) {
        let mut table = lock(&self.table);
        let members = table.members(route.id);
        table.registry.gone(route.id);
        table.routes.remove(&route.id);
        drop(table);
        members.iter().for_each(|mailbox| mailbox.complete());
        self.work.ground.ended.notify(usize::MAX);
    }

    /// Returns the number of subscriptions and bindings.
    pub(crate) fn len(&self) -> (usize, usize) {
        let table = lock(&self.table);
        (table.routes.len(), table.registry.len())
    }

    /// Returns the subject of each binding that was not unbound.
    pub(super) fn bound_subjects(&self) -> Vec<Subject> {
        let table = lock(&self.table);
        let bound = table.bindings.iter().filter(|(id, _)| table.registry.is_bound(**id));
        bound.map(|(_, binding)| binding.route.subject.clone()).collect()
    }

    /// Returns how many bytes wait in bindings.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let table = lock(&self.table);
        table.bindings.values().map(|binding| binding.mailbox.waiting_bytes()).sum()
    }

    /// Returns how many messages and bytes wait in each binding that has a reader.
    pub(super) fn waiting(&self) -> BTreeMap<BindingId, (usize, u64)> {
        let table = lock(&self.table);
        let waiting = |mailbox: &Mailbox| (mailbox.waiting(), mailbox.waiting_bytes());
        table.bindings.iter().map(|(id, binding)| (*id, waiting(&binding.mailbox))).collect()
    }

    /// Returns whether messages wait in a binding.
    pub(super) fn has_waiting(&self) -> bool {
        let table = lock(&self.table);
        table.bindings.values().any(|binding| binding.mailbox.waiting() > 0)
    }

    /// Returns the mailboxes of all bindings of a kind.
    pub(super) fn mailboxes(&self, kind: BindingKind) -> Vec<Arc<Mailbox>> {
        let table = lock(&self.table);
        let mailboxes = table.bindings.values().map(|binding| &binding.mailbox);
        mailboxes.filter(|mailbox| mailbox.kind() == kind).cloned().collect()
    }

    fn bindings(&self) -> Vec<BoundMailbox> {
        lock(&self.table).bindings.values().cloned().collect()
    }

    /// Unsubscribes all bindings.
    pub(super) fn leave_all(&self) {
        for BoundMailbox { mailbox, .. } in self.bindings() {
            self.unbind(mailbox.id());
        }
    }

    /// Ends every binding, and gives up its waiting messages.
    pub(super) fn end(&self) {
        for BoundMailbox { mailbox, route } in self.bindings() {
            self.unbind(mailbox.id());
            self.abandon(&mailbox, &route);
        }
    }

    /// Gives up waiting messages that will not be read: hands them on to other members of the
    /// group, or tells their senders.
    pub(super) fn abandon(&self, mailbox: &Mailbox, route: &Route) {
        let waiting = mailbox.abandon();
        let count = waiting.len();
        for arrival in waiting {
            self.handing_on.give_back(route.target, arrival);
        }
        self.work.end_giving_back(count);
    }

    /// Returns whether a binding was not unbound.
    pub(super) fn is_bound(&self, binding: BindingId) -> bool {
        lock(&self.table).registry.is_bound(binding)
    }

    /// Forgets a binding whose reader is dropped.
    pub(super) fn forget(&self, binding: BindingId) {
        let forgotten = lock(&self.table).bindings.remove(&binding);
        // While the conduit drains, its bindings end, and their counts are still of interest.
        if let Some(forgotten) = &forgotten
            && self.work.ground.check_running().is_ok()
        {
            forgotten.mailbox.record.end();
        }
        drop(forgotten);
    }

    fn members(&self, route: &Route) -> Vec<Arc<Mailbox>> {
        lock(&self.table).members(route.id)
    }
}

impl RoutesTable {
    /// Returns the bindings of a route that have a reader, in the order in which their turns come.
    fn members(&self, route: RouteId) -> Vec<Arc<Mailbox>> {
        let bindings = self.registry.members(route).filter_map(|id| self.bindings.get(&id));
        bindings.map(|binding| Arc::clone(&binding.mailbox)).collect()
    }
}
