//! Where messages go.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Shared;
use crate::{
    Error, ServiceName, Subject,
    transport::{Address, Destination, Targets},
};

/// A subject of a service.
#[derive(Clone)]
pub(crate) struct To(Arc<Place>);

struct Place {
    service: ServiceName,
    subject: Subject,
    /// Its plain bindings and its group.
    both: Arc<Destination>,
}

impl To {
    pub(crate) fn new(shared: &Shared, service: ServiceName, subject: Subject) -> Self {
        let both = shared.destinations.get(&address(&service, &subject, Targets::Both));
        Self(Arc::new(Place { service, subject, both }))
    }

    pub(crate) fn service(&self) -> &ServiceName {
        &self.0.service
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.0.subject
    }

    pub(crate) fn address(&self, targets: Targets) -> Address {
        address(self.service(), self.subject(), targets)
    }

    /// All of the bindings.
    pub(crate) fn both(&self) -> &Destination {
        &self.0.both
    }

    /// The number of the next message, which is used up.
    pub(crate) fn number(&self) -> u64 {
        self.0.both.number()
    }

    /// Some of the bindings.
    pub(crate) fn with(&self, shared: &Shared, targets: Targets) -> Arc<Destination> {
        match targets {
            Targets::Both => Arc::clone(&self.0.both),
            targets => shared.destinations.get(&self.address(targets)),
        }
    }

    /// Where a request goes, packet by packet. Whether plain bindings got it is told by a notice of
    /// their own only, and it matters where the group may refuse it.
    pub(crate) fn lanes(&self, shared: &Shared, now: Instant) -> &'static [Targets] {
        match self.0.both.is_apart(shared.age(now)) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// The group has not executed a request, and may not execute others.
    pub(crate) fn note_not_executed(&self, shared: &Shared, now: Instant) {
        /// How long that is thought of.
        const LATELY: Duration = Duration::from_secs(60);
        self.0.both.keep_apart(shared.age(now + LATELY));
    }

    pub(crate) fn about(&self, error: Error) -> Error {
        error.about(self.service(), self.subject())
    }
}

fn address(service: &ServiceName, subject: &Subject, targets: Targets) -> Address {
    Address::Subject { service: service.clone(), subject: subject.clone(), targets }
}
