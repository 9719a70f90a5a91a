//! Subscriptions of subjects, and the bindings that share them.

mod bound;
mod listen;
mod route;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use event_listener::Event;

pub(crate) use self::bound::Bound;
use self::route::Phase;
pub(super) use self::route::Route;
use super::{Mailbox, Shared, shared::lock};
use crate::{
    Error, Subject,
    proto::{BindingId, BindingKind, Left, Registry, RouteId},
};

#[derive(Default)]
pub(super) struct Routes {
    table: Mutex<Table>,
    /// One of them has ended.
    gone: Event,
}

#[derive(Default)]
struct Table {
    registry: Registry,
    mailboxes: BTreeMap<BindingId, Arc<Mailbox>>,
    routes: BTreeMap<RouteId, Arc<Route>>,
}

impl Shared {
    /// Adds a binding, and returns when the broker routes to it.
    pub(crate) async fn bind(
        self: &Arc<Self>,
        subject: Subject,
        kind: BindingKind,
    ) -> Result<Bound, Error> {
        self.ready().await?;
        let bound = self.join(subject, kind);
        // Closing ends what it finds; what came later has to find that out.
        self.check_open()?;
        match bound.route.wait(|phase| !matches!(phase, Phase::Subscribing)).await {
            Phase::Failed(error) => Err(Error::copy_of(&error)),
            _ => Ok(bound),
        }
    }

    fn join(self: &Arc<Self>, subject: Subject, kind: BindingKind) -> Bound {
        let mut table = lock(&self.routes.table);
        let joined = table.registry.bind(subject.clone(), kind);
        let config = &self.config;
        let mailbox =
            Arc::new(Mailbox::new(joined.binding, config.waiting, config.bodies_per_binding));
        table.mailboxes.insert(joined.binding, Arc::clone(&mailbox));
        let fresh = || Arc::new(Route::new(joined.route, subject, kind.target()));
        let route = Arc::clone(table.routes.entry(joined.route).or_insert_with(fresh));
        drop(table);
        if joined.subscribe {
            self.tasks.spawn(Arc::clone(self).run_route(Arc::clone(&route)));
        }
        Bound { shared: Arc::clone(self), mailbox, route }
    }

    /// The bindings that a packet on a route may go to, and that somebody reads.
    pub(super) fn members(&self, route: &Route) -> Vec<Arc<Mailbox>> {
        let table = lock(&self.routes.table);
        let members = table.registry.members(route.id);
        let mailboxes = members.filter_map(|id| table.mailboxes.get(&id));
        mailboxes.filter(|mailbox| !mailbox.is_complete()).cloned().collect()
    }

    /// A binding took a message.
    pub(super) fn took(&self, mailbox: &Mailbox) {
        let mut table = lock(&self.routes.table);
        let left = table.registry.took(mailbox.id());
        if table.registry.is_known(mailbox.id()) {
            return;
        }
        // It has taken its only message, and its route knows nothing of it any more: so the end of
        // the route would not complete it. Its user may have unbound it a moment before.
        table.mailboxes.remove(&mailbox.id());
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

    /// A binding was removed. One that was the last of its route gets what is routed already.
    fn left(&self, mut table: std::sync::MutexGuard<'_, Table>, binding: BindingId, left: Left) {
        if left.leave {
            let route = table.routes.get(&left.route).cloned();
            drop(table);
            if let Some(route) = route {
                route.enter(Phase::Leaving);
            }
        } else {
            let mailbox = table.mailboxes.remove(&binding);
            drop(table);
            if let Some(mailbox) = mailbox {
                mailbox.complete();
            }
        }
    }

    fn gone(&self, route: &Route) {
        let mut table = lock(&self.routes.table);
        let members: Vec<_> = table.registry.members(route.id).collect();
        table.registry.gone(route.id);
        table.routes.remove(&route.id);
        let mailboxes: Vec<_> =
            members.iter().filter_map(|member| table.mailboxes.remove(member)).collect();
        drop(table);
        for mailbox in mailboxes {
            mailbox.complete();
        }
        self.routes.gone.notify(usize::MAX);
    }

    /// Waits until every subscription has ended, and what was routed to it was read.
    pub(super) async fn routes_gone(&self) {
        loop {
            let listener = self.routes.gone.listen();
            if lock(&self.routes.table).routes.is_empty() {
                return;
            }
            listener.await;
        }
    }

    /// How many subscriptions and bindings there are.
    pub(crate) fn routed(&self) -> (usize, usize) {
        let table = lock(&self.routes.table);
        (table.routes.len(), table.registry.len())
    }

    /// Every binding ends, and what waits in it is given up.
    pub(super) fn end_bindings(&self) {
        let table = lock(&self.routes.table);
        let mailboxes: Vec<_> = table.mailboxes.values().cloned().collect();
        drop(table);
        for mailbox in mailboxes {
            self.unbind(mailbox.id());
            drop(mailbox.abandon());
        }
    }
}
