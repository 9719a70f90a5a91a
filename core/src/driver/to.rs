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
    pub(crate) fn new(ground: &Ground, service: ServiceName, subject: Subject) -> Self {
        let both = ground.destinations.get(&address(&service, &subject, Targets::Both));
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

    /// Returns the destination for all bindings.
    pub(crate) fn both(&self) -> &Destination {
        &self.0.both
    }

    /// Takes the number of the next message.
    pub(crate) fn number(&self) -> u64 {
        self.0.both.number()
    }

    /// Returns the destination for some of the bindings.
    pub(crate) fn with(&self, ground: &Ground, targets: Targets) -> Arc<Destination> {
        match targets {
            Targets::Both => Arc::clone(&self.0.both),
            targets => ground.destinations.get(&self.address(targets)),
        }
    }

    /// Returns the targets of a request, packet by packet. Only a separate packet tells by its
    /// notice whether there are plain bindings, which matters if the group refuses the request.
    pub(crate) fn lanes(&self, ground: &Ground, now: Instant) -> &'static [Targets] {
        match self.0.both.is_apart(ground.age(now)) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// Notes that the group has not executed a request, and may refuse further ones.
    pub(crate) fn note_not_executed(&self, ground: &Ground, now: Instant) {
        /// How long that is remembered.
        const LATELY: Duration = Duration::from_secs(60);
        self.0.both.keep_apart(ground.age(now + LATELY));
    }

    pub(crate) fn about(&self, error: Error) -> Error {
        error.about(self.service(), self.subject())
    }
}

fn address(service: &ServiceName, subject: &Subject, targets: Targets) -> Address {
    Address::Subject { service: service.clone(), subject: subject.clone(), targets }
}
