//! One subscription to a subject, and its phase.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use event_listener::Event;

use super::Members;
use crate::{
    Error, ErrorKind, Subject,
    driver::{tally::Tally, watch::Watch},
    lock::lock,
    proto::{
        RouteId,
        frame::{self, NameCache},
    },
    transport::{DynSubscription, Target},
    until::until_some,
};

/// A subscription to one target of a subject.
pub(in crate::driver) struct Route {
    pub(super) id: RouteId,
    pub(in crate::driver) subject: Subject,
    pub(in crate::driver) target: Target,
    /// Counts what is no binding's.
    pub(in crate::driver) tally: Arc<Tally>,
    /// The number of changes of its bindings.
    pub(super) changes: AtomicU64,
    /// The subscription, while it is active and not being left.
    pub(in crate::driver) listening: Mutex<Option<Listening>>,
    pub(in crate::driver) watch: Arc<Watch>,
    /// The waker of `watch`.
    pub(in crate::driver) waker: Waker,
    phase: Mutex<RoutePhase>,
    changed: Event,
}

/// An active subscription, with what its packets are delivered with.
pub(in crate::driver) struct Listening {
    pub(in crate::driver) subscription: Box<dyn DynSubscription>,
    /// What is left of the last batch, which comes before the next packet.
    pub(in crate::driver) batch: frame::Members,
    pub(in crate::driver) names: NameCache,
    pub(in crate::driver) members: Members,
}

impl Listening {
    pub(in crate::driver) fn new(subscription: Box<dyn DynSubscription>) -> Self {
        Self {
            subscription,
            batch: frame::Members::default(),
            names: NameCache::new(),
            members: Members::default(),
        }
    }
}

#[derive(Clone)]
pub(in crate::driver) enum RoutePhase {
    Subscribing,
    Listening,
    /// Its last binding was removed; messages that were routed to it are still delivered.
    Leaving,
    /// The broker routes nothing more to it: the subscription has ended.
    Left,
    Failed(Arc<Error>),
}

impl Route {
    pub(super) fn new(id: RouteId, subject: Subject, target: Target, tally: Arc<Tally>) -> Self {
        let watch = Arc::<Watch>::default();
        Self {
            id,
            subject,
            target,
            tally,
            changes: AtomicU64::new(0),
            listening: Mutex::default(),
            waker: Waker::from(Arc::clone(&watch)),
            watch,
            phase: Mutex::new(RoutePhase::Subscribing),
            changed: Event::new(),
        }
    }

    /// Notes that its bindings have changed, so that the cached [`Members`](super::Members) are
    /// updated.
    pub(super) fn rebound(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn phase(&self) -> RoutePhase {
        lock(&self.phase).clone()
    }

    pub(in crate::driver) fn enter(&self, phase: RoutePhase) {
        *lock(&self.phase) = phase;
        self.changed.notify(usize::MAX);
    }

    /// Notes that the subscription is active. Its last binding may have been removed already.
    pub(in crate::driver) fn subscribed(&self) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, RoutePhase::Subscribing) {
            *phase = RoutePhase::Listening;
        }
        drop(phase);
        self.changed.notify(usize::MAX);
    }

    /// Drops the subscription, if there is one: no more packets will arrive. A bind that waits for it
    /// fails.
    pub(in crate::driver) fn end(&self) {
        let listening = lock(&self.listening).take();
        drop(listening);
        let mut phase = lock(&self.phase);
        match *phase {
            RoutePhase::Failed(_) => {}
            RoutePhase::Subscribing => {
                *phase = RoutePhase::Failed(Arc::new(ErrorKind::Closed.into()));
            }
            RoutePhase::Listening | RoutePhase::Leaving | RoutePhase::Left => {
                *phase = RoutePhase::Left;
            }
        }
        drop(phase);
        self.changed.notify(usize::MAX);
    }

    /// Waits until the phase is wanted.
    pub(in crate::driver) async fn wait(&self, wanted: impl Fn(&RoutePhase) -> bool) -> RoutePhase {
        until_some(&self.changed, move || Some(self.phase()).filter(&wanted)).await
    }

    pub(in crate::driver) fn is_leaving(&self) -> bool {
        matches!(self.phase(), RoutePhase::Leaving)
    }
}
