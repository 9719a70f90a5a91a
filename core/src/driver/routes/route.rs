//! One subscription of a subject, and how far it is.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use event_listener::Event;

use super::{listening::Listening, watch::Watch};
use crate::{Error, ErrorKind, Subject, driver::ground::lock, proto::RouteId, transport::Target};

/// One subscription.
pub(in crate::driver) struct Route {
    pub(super) id: RouteId,
    pub(in crate::driver) subject: Subject,
    pub(in crate::driver) target: Target,
    /// How often its bindings have changed.
    pub(super) changes: AtomicU64,
    /// The subscription, while it is in force and not left.
    pub(super) listening: Mutex<Option<Listening>>,
    pub(super) watch: Arc<Watch>,
    /// That of `watch`.
    pub(super) waker: Waker,
    phase: Mutex<Phase>,
    changed: Event,
}

#[derive(Clone)]
pub(super) enum Phase {
    Subscribing,
    Listening,
    /// Its last binding was removed.
    Leaving,
    /// The broker routes nothing more to it.
    Left,
    Failed(Arc<Error>),
}

impl Route {
    pub(super) fn new(id: RouteId, subject: Subject, target: Target) -> Self {
        let watch = Arc::<Watch>::default();
        Self {
            id,
            subject,
            target,
            changes: AtomicU64::new(0),
            listening: Mutex::default(),
            waker: Waker::from(Arc::clone(&watch)),
            watch,
            phase: Mutex::new(Phase::Subscribing),
            changed: Event::new(),
        }
    }

    /// Its bindings have changed: whoever listens looks them up again.
    pub(super) fn rebound(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        lock(&self.phase).clone()
    }

    pub(super) fn enter(&self, phase: Phase) {
        *lock(&self.phase) = phase;
        self.changed.notify(usize::MAX);
    }

    /// The broker routes to it. Its last binding may have been removed by then.
    pub(super) fn subscribed(&self) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Subscribing) {
            *phase = Phase::Listening;
        }
        drop(phase);
        self.changed.notify(usize::MAX);
    }

    /// Nothing more comes on it. Whoever waits for it to be in force waits in vain.
    pub(super) fn left(&self) {
        let mut phase = lock(&self.phase);
        match *phase {
            Phase::Failed(_) => {}
            Phase::Subscribing => *phase = Phase::Failed(Arc::new(ErrorKind::Closed.into())),
            Phase::Listening | Phase::Leaving | Phase::Left => *phase = Phase::Left,
        }
        drop(phase);
        self.changed.notify(usize::MAX);
    }

    /// Waits until the phase is one of those wanted.
    pub(super) async fn wait(&self, wanted: impl Fn(&Phase) -> bool) -> Phase {
        loop {
            let listener = self.changed.listen();
            let phase = self.phase();
            if wanted(&phase) {
                return phase;
            }
            listener.await;
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.phase(), Phase::Leaving)
    }
}
