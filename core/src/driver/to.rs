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

/// The plain bindings and the group of a subject.
#[derive(Clone)]
pub(crate) struct To(Arc<Destination>);

impl To {
    pub(crate) fn new(shared: &Shared, service: ServiceName, subject: Subject) -> Self {
        let address = Address::Subject { service, subject, targets: Targets::Both };
        Self(shared.destinations.get(&address))
    }

    pub(crate) fn names(&self) -> (&ServiceName, &Subject) {
        match self.0.address() {
            Address::Subject { service, subject, .. } => (service, subject),
            _ => unreachable!("messages go to subjects"),
        }
    }

    pub(crate) fn service(&self) -> &ServiceName {
        self.names().0
    }

    pub(crate) fn subject(&self) -> &Subject {
        self.names().1
    }

    pub(crate) fn address(&self, targets: Targets) -> Address {
        let (service, subject) = self.names();
        Address::Subject { service: service.clone(), subject: subject.clone(), targets }
    }

    /// All of the bindings.
    pub(crate) fn both(&self) -> &Destination {
        &self.0
    }

    /// The number of the next message, which is used up.
    pub(crate) fn number(&self) -> u64 {
        self.0.number()
    }

    /// Some of the bindings.
    pub(crate) fn with(&self, shared: &Shared, targets: Targets) -> Arc<Destination> {
        match targets {
            Targets::Both => Arc::clone(&self.0),
            targets => shared.destinations.get(&self.address(targets)),
        }
    }

    /// Where a request goes, packet by packet. Whether plain bindings got it is told by a notice of
    /// their own only, and it matters where the group may refuse it.
    pub(crate) fn lanes(&self, shared: &Shared, now: Instant) -> &'static [Targets] {
        match self.0.is_apart(shared.age(now)) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// The group has not executed a request, and may not execute others.
    pub(crate) fn note_not_executed(&self, shared: &Shared, now: Instant) {
        /// How long that is thought of.
        const LATELY: Duration = Duration::from_secs(60);
        self.0.keep_apart(shared.age(now + LATELY));
    }

    pub(crate) fn about(&self, error: Error) -> Error {
        let (service, subject) = self.names();
        error.about(service, subject)
    }
}
