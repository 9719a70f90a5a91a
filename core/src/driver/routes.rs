//! Subscriptions to subjects, and the bindings that share them.

mod bound;
mod listen;
mod listening;
mod members;
mod route;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub(crate) use self::bound::Bound;
use self::route::Phase;
pub(super) use self::{
    members::{Member, Members},
    route::Route,
};
use super::{Mailbox, Shared, ground::lock};
use crate::{
    Error, Subject,
    proto::{BindingId, BindingKind, Left, Queue, Registry, RouteId},
};

#[derive(Default)]
pub(super) struct Routes {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    registry: Registry,
    /// The readers of all bindings that are kept, also after unbinding.
    readers: BTreeMap<BindingId, Reader>,
    routes: BTreeMap<RouteId, Arc<Route>>,
}

#[derive(Clone)]
struct Reader {
    mailbox: Arc<Mailbox>,
    route: Arc<Route>,
}

impl Shared {
    /// Adds a binding, and waits until the broker routes to it.
    pub(crate) async fn bind(
        self: &Arc<Self>,
        subject: Subject,
        kind: BindingKind,
    ) -> Result<Bound, Error> {
        self.check_running()?;
        self.ready(None).await?;
        let bound = self.join(subject, kind);
        // Draining leaves the bindings it finds; one added after that has to check by itself.
        self.check_running()?;
        match bound.route.wait(|phase| !matches!(phase, Phase::Subscribing)).await {
            Phase::Failed(error) => Err(Error::copy_of(&error)),
            _ => Ok(bound),
        }
    }

    fn join(self: &Arc<Self>, subject: Subject, kind: BindingKind) -> Bound {
        let mut table = lock(&self.routes.table);
        let joined = table.registry.bind(subject.clone(), kind);
        let config = &self.config;
        let queue = Queue::new(config.waiting, config.waiting_bytes_per_binding);
        let mailbox = Mailbox::new(joined.binding, kind, queue);
        let mailbox = Arc::new(mailbox);
        let fresh = || Arc::new(Route::new(joined.route, subject, kind.target()));
        let route = Arc::clone(table.routes.entry(joined.route).or_insert_with(fresh));
        let reader = Reader { mailbox: Arc::clone(&mailbox), route: Arc::clone(&route) };
        table.readers.insert(joined.binding, reader);
        route.rebound();
        drop(table);
        if joined.subscribe {
            self.tasks.spawn(Arc::clone(self).run_route(Arc::clone(&route)));
        }
        Bound { shared: Arc::clone(self), mailbox, route }
    }

    /// Notes that a binding took a message.
    pub(super) fn took(&self, mailbox: &Mailbox) {
        let mut table = lock(&self.routes.table);
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

    fn unbind(&self, binding: BindingId) {
        let mut table = lock(&self.routes.table);
        if let Some(left) = table.registry.unbind(binding) {
            self.left(table, binding, left);
        }
    }

    /// Handles the removal of a binding. The last one of its route still receives what is routed.
    fn left(&self, table: std::sync::MutexGuard<'_, Table>, binding: BindingId, left: Left) {
        let route = table.routes.get(&left.route).cloned();
        if let Some(route) = &route {
            route.rebound();
        }
        if left.leave {
            drop(table);
            if let Some(route) = route {
                route.enter(Phase::Leaving);
            }
        } else {
            let reader = table.readers.get(&binding).cloned();
            drop(table);
            if let Some(reader) = reader {
                reader.mailbox.complete();
            }
        }
    }

    fn gone(&self, route: &Route) {
        let mut table = lock(&self.routes.table);
        let members: Vec<_> = table.registry.members(route.id).collect();
        table.registry.gone(route.id);
        table.routes.remove(&route.id);
        let readers: Vec<_> =
            members.iter().filter_map(|member| table.readers.get(member).cloned()).collect();
        drop(table);
        for reader in readers {
            reader.mailbox.complete();
        }
        self.ended.notify(usize::MAX);
    }

    /// Returns the number of subscriptions and bindings.
    pub(crate) fn routed(&self) -> (usize, usize) {
        let table = lock(&self.routes.table);
        (table.routes.len(), table.registry.len())
    }

    /// Returns the subject of each binding that was not unbound.
    pub(super) fn bound_subjects(&self) -> Vec<Subject> {
        let table = lock(&self.routes.table);
        let bound = table.readers.iter().filter(|(id, _)| table.registry.is_bound(**id));
        bound.map(|(_, reader)| reader.route.subject.clone()).collect()
    }

    /// Returns how many bytes wait in bindings.
    pub(crate) fn waiting_in_bindings(&self) -> u64 {
        let table = lock(&self.routes.table);
        table.readers.values().map(|reader| reader.mailbox.waiting_bytes()).sum()
    }

    /// Returns whether messages wait in a binding.
    pub(super) fn has_waiting(&self) -> bool {
        let table = lock(&self.routes.table);
        table.readers.values().any(|reader| reader.mailbox.waiting() > 0)
    }

    /// Returns the mailboxes of all bindings of a kind.
    pub(super) fn mailboxes(&self, kind: BindingKind) -> Vec<Arc<Mailbox>> {
        let table = lock(&self.routes.table);
        let mailboxes = table.readers.values().map(|reader| &reader.mailbox);
        mailboxes.filter(|mailbox| mailbox.kind() == kind).cloned().collect()
    }

    fn readers(&self) -> Vec<Reader> {
        lock(&self.routes.table).readers.values().cloned().collect()
    }

    /// Unsubscribes all bindings.
    pub(super) fn leave_all(&self) {
        for reader in self.readers() {
            self.unbind(reader.mailbox.id());
        }
    }

    /// Ends every binding, and gives up its waiting messages.
    pub(super) fn end_bindings(self: &Arc<Self>) {
        for reader in self.readers() {
            self.unbind(reader.mailbox.id());
            self.abandon(&reader.mailbox, &reader.route);
        }
    }

    /// Gives up waiting messages that will not be read: hands them on to other members of the
    /// group, or tells their senders.
    fn abandon(self: &Arc<Self>, mailbox: &Mailbox, route: &Route) {
        let waiting = mailbox.abandon(self);
        let count = waiting.len();
        for arrival in waiting {
            self.give_back(route, arrival);
        }
        self.end_giving_back(count);
    }
}
