//! Subscriptions of subjects, and the bindings that share them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use event_listener::Event;
use futures_lite::{StreamExt, future};

use super::{Mailbox, Shared, shared::lock};
use crate::{
    Error, ErrorKind, Subject,
    proto::{BindingId, BindingKind, Left, Registry, RouteId},
    transport::{Address, DynSubscription, Packet, Target, TransportErrorKind},
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

/// One subscription.
pub(super) struct Route {
    id: RouteId,
    pub(super) subject: Subject,
    pub(super) target: Target,
    phase: Mutex<Phase>,
    changed: Event,
}

#[derive(Clone)]
enum Phase {
    Subscribing,
    Listening,
    /// Its last binding was removed.
    Leaving,
    /// The broker routes nothing more to it.
    Left,
    Failed(Arc<Error>),
}

impl Route {
    fn phase(&self) -> Phase {
        lock(&self.phase).clone()
    }

    fn enter(&self, phase: Phase) {
        *lock(&self.phase) = phase;
        self.changed.notify(usize::MAX);
    }

    /// The broker routes to it. Its last binding may have been removed by then.
    fn subscribed(&self) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Subscribing) {
            *phase = Phase::Listening;
        }
        drop(phase);
        self.changed.notify(usize::MAX);
    }

    /// Waits until the phase is one of those wanted.
    async fn wait(&self, wanted: impl Fn(&Phase) -> bool) -> Phase {
        loop {
            let listener = self.changed.listen();
            let phase = self.phase();
            if wanted(&phase) {
                return phase;
            }
            listener.await;
        }
    }

    fn is_leaving(&self) -> bool {
        matches!(self.phase(), Phase::Leaving)
    }
}

/// A binding that the broker routes to. It unbinds when dropped.
pub(crate) struct Bound {
    shared: Arc<Shared>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(super) route: Arc<Route>,
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
        match bound
            .route
            .wait(|phase| !matches!(phase, Phase::Subscribing))
            .await
        {
            Phase::Failed(error) => Err(Error::copy_of(&error)),
            _ => Ok(bound),
        }
    }

    fn join(self: &Arc<Self>, subject: Subject, kind: BindingKind) -> Bound {
        let mut table = lock(&self.routes.table);
        let joined = table.registry.bind(subject.clone(), kind);
        let config = &self.config;
        let mailbox = Arc::new(Mailbox::new(
            joined.binding,
            config.waiting,
            config.bodies_per_binding,
        ));
        table.mailboxes.insert(joined.binding, Arc::clone(&mailbox));
        let fresh = || {
            Arc::new(Route {
                id: joined.route,
                subject,
                target: kind.target(),
                phase: Mutex::new(Phase::Subscribing),
                changed: Event::new(),
            })
        };
        let route = Arc::clone(table.routes.entry(joined.route).or_insert_with(fresh));
        drop(table);
        if joined.subscribe {
            self.tasks
                .spawn(Arc::clone(self).run_route(Arc::clone(&route)));
        }
        Bound {
            shared: Arc::clone(self),
            mailbox,
            route,
        }
    }

    /// Subscribes, listens, leaves.
    async fn run_route(self: Arc<Self>, route: Arc<Route>) {
        let result = self.subscribe_to(&route).await;
        if let Ok(mut subscription) = result {
            // A transport that is cut off need not end its subscriptions.
            future::or(self.listen_on(&route, &mut *subscription), self.closed()).await;
            route.enter(Phase::Left);
        } else if let Err(error) = result {
            route.enter(Phase::Failed(Arc::new(error)));
        }
        self.gone(&route);
    }

    async fn subscribe_to(&self, route: &Route) -> Result<Box<dyn DynSubscription>, Error> {
        let address = self.address_of(route);
        let attempt = async {
            let subscription = self.transport.subscribe(&address).await?;
            self.transport.flush().await?;
            Ok(subscription)
        };
        let give_up = async {
            self.sleep_until(self.now() + self.config.send_timeout)
                .await;
            Err(Error::new(
                ErrorKind::Disconnected,
                "the broker did not answer in time",
            ))
        };
        let closed = async {
            self.closing().await;
            Err(ErrorKind::Closed.into())
        };
        future::or(attempt, future::or(give_up, closed)).await
    }

    pub(super) fn address_of(&self, route: &Route) -> Address {
        Address::Subject {
            service: self.source.service.clone(),
            subject: route.subject.clone(),
            targets: route.target.into(),
        }
    }

    async fn listen_on(self: &Arc<Self>, route: &Route, subscription: &mut dyn DynSubscription) {
        route.subscribed();
        let leaving = async {
            route.wait(|phase| matches!(phase, Phase::Leaving)).await;
        };
        future::or(self.pump(route, subscription), leaving).await;
        if !route.is_leaving() {
            return;
        }
        match subscription.leave().await {
            Ok(()) => {}
            Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
            Err(error) => {
                tracing::debug!(%error, subject = %route.subject, "could not unsubscribe");
            }
        }
        self.pump(route, subscription).await;
    }

    /// Hands on what comes, until the subscription ends. It never waits for a handler.
    async fn pump(self: &Arc<Self>, route: &Route, subscription: &mut dyn DynSubscription) {
        const TURN: u32 = 128;
        let mut turn = 0;
        while let Some(packet) = subscription.next().await {
            if let Packet::Data(packet) = packet {
                self.handle_subject(route, &packet);
            }
            turn += 1;
            if turn % TURN == 0 {
                future::yield_now().await;
            }
        }
    }

    /// The bindings that a packet on a route may go to, and that somebody reads.
    pub(super) fn members(&self, route: &Route) -> Vec<Arc<Mailbox>> {
        let table = lock(&self.routes.table);
        let members = table.registry.members(route.id);
        let mailboxes = members.filter_map(|id| table.mailboxes.get(&id));
        mailboxes
            .filter(|mailbox| !mailbox.is_complete())
            .cloned()
            .collect()
    }

    /// A binding took a message.
    pub(super) fn took(&self, mailbox: &Mailbox) {
        let mut table = lock(&self.routes.table);
        if let Some(left) = table.registry.took(mailbox.id()) {
            self.left(table, mailbox.id(), left);
            mailbox.complete();
        }
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
        let mailboxes: Vec<_> = members
            .iter()
            .filter_map(|member| table.mailboxes.remove(member))
            .collect();
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

impl Bound {
    /// Whether it was not unbound.
    pub(crate) fn is_bound(&self) -> bool {
        lock(&self.shared.routes.table)
            .registry
            .is_bound(self.mailbox.id())
    }

    /// Asks the broker to route nothing more here.
    pub(crate) fn start_unbind(&self) {
        self.shared.unbind(self.mailbox.id());
    }

    /// Unbinds when a future is done. It waits for nothing else of the binding's.
    pub(crate) fn unbind_after(&self, done: impl Future<Output = ()> + Send + 'static) {
        let (shared, mailbox) = (Arc::clone(&self.shared), Arc::clone(&self.mailbox));
        self.shared.tasks.spawn(async move {
            future::or(done, mailbox.completed()).await;
            shared.unbind(mailbox.id());
        });
    }
}

/// Nobody will read what waits: other members of the group get it, and senders of anything else
/// are told.
impl Drop for Bound {
    fn drop(&mut self) {
        self.start_unbind();
        for arrival in self.mailbox.abandon() {
            if self.route.target == Target::Group {
                self.shared.hand_on(&self.route, arrival);
            }
        }
    }
}
