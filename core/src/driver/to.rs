//! The destinations of messages.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::ground::Ground;
use crate::{
    Error, ServiceName, Subject,
    transport::{Address, Destination, Targets},
};

/// A subject of a service: the destination of its plain bindings and its group.
#[derive(Clone)]
pub(crate) struct To(Arc<Destination>);

impl To {
    pub(crate) fn new(ground: &Ground, service: ServiceName, subject: Subject) -> Self {
        let address = Address::Subject { service, subject, targets: Targets::Both };
        Self(ground.destinations.get(&address))
    }

    fn names(&self) -> (&ServiceName, &Subject) {
        match self.0.address() {
            Address::Subject { service, subject, .. } => (service, subject),
            // A place of its own for the names would cost each request an allocation.
            Address::Inbox { .. } | Address::Control { .. } => unreachable!("made of a subject"),
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

    /// Returns the destination for all bindings.
    pub(crate) fn both(&self) -> &Destination {
        &self.0
    }

    /// Takes the number of the next message.
    pub(crate) fn number(&self) -> u64 {
        self.0.number()
    }

    /// Returns the destination for some of the bindings.
    pub(crate) fn with(&self, ground: &Ground, targets: Targets) -> Arc<Destination> {
        match targets {
            Targets::Both => Arc::clone(&self.0),
            targets => ground.destinations.get(&self.address(targets)),
        }
    }

    /// Returns the targets of a request, packet by packet. Only a separate packet tells by its
    /// notice whether there are plain bindings, which matters if the group refuses the request.
    pub(crate) fn lanes(&self, ground: &Ground, now: Instant) -> &'static [Targets] {
        match self.0.is_apart(ground.age(now)) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// Notes that the group has not executed a request, and may refuse further ones.
    pub(crate) fn note_not_executed(&self, ground: &Ground, now: Instant) {
        /// How long that is remembered.
        const LATELY: Duration = Duration::from_secs(60);
        self.0.keep_apart(ground.age(now + LATELY));
    }

    pub(crate) fn about(&self, error: Error) -> Error {
        error.about(self.service(), self.subject())
    }
}
