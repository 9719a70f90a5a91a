use std::{collections::BTreeMap, sync::Arc};

use conduit::{
    InstanceId, ServiceName, Subject,
    transport::{Address, Packet, Target, Targets},
};

use crate::{
    queue::Queue,
    route::{Offer, Route},
    wakers::Wakers,
    way::Way,
};

/// The routes of all addresses. In ordered maps, so that a run does not depend on a hash seed.
#[derive(Default)]
pub(crate) struct Routes {
    services: BTreeMap<ServiceName, Service>,
    directory: Route,
}

#[derive(Default)]
struct Service {
    subjects: BTreeMap<Subject, Route>,
    inboxes: BTreeMap<InstanceId, Route>,
    control: Route,
}

impl Routes {
    pub(crate) fn offer(&mut self, to: &Address, packet: Packet, wakers: &mut Wakers) -> Offer {
        let targets = match to {
            Address::Subject { targets, .. } => *targets,
            Address::Inbox { .. } | Address::Control { .. } | Address::Directory => Targets::Plain,
        };
        match self.get_mut(to) {
            Some(route) => route.offer(targets, packet, wakers),
            None => Offer::NoSubscriber(packet),
        }
    }

    pub(crate) fn contains(&mut self, at: &Address) -> bool {
        self.get_mut(at).is_some_and(|route| !route.is_empty())
    }

    pub(crate) fn add(
        &mut self,
        at: &Address,
        target: Target,
        capacity: usize,
        way: &Arc<Way>,
    ) -> Arc<Queue> {
        let route = match at {
            Address::Subject { service, subject, .. } => {
                self.service(service).subjects.entry(subject.clone()).or_default()
            }
            Address::Inbox { service, instance } => {
                self.service(service).inboxes.entry(*instance).or_default()
            }
            Address::Control { service } => &mut self.service(service).control,
            Address::Directory => &mut self.directory,
        };
        route.add(target, capacity, way)
    }

    fn service(&mut self, name: &ServiceName) -> &mut Service {
        self.services.entry(name.clone()).or_default()
    }

    /// Stops routing to a queue, and removes addresses and services that have no queue left.
    pub(crate) fn remove(&mut self, at: &Address, queue: &Arc<Queue>) {
        let Some(route) = self.get_mut(at) else {
            return;
        };
        route.remove(queue);
        if !route.is_empty() {
            return;
        }
        let Some(name) = at.service() else { return };
        let Some(service) = self.services.get_mut(name) else {
            return;
        };
        match at {
            Address::Subject { subject, .. } => drop(service.subjects.remove(subject)),
            Address::Inbox { instance, .. } => drop(service.inboxes.remove(instance)),
            Address::Control { .. } | Address::Directory => {}
        }
        if service.is_empty() {
            self.services.remove(name);
        }
    }

    fn get_mut(&mut self, at: &Address) -> Option<&mut Route> {
        let Some(name) = at.service() else {
            return Some(&mut self.directory);
        };
        let service = self.services.get_mut(name)?;
        match at {
            Address::Subject { subject, .. } => service.subjects.get_mut(subject),
            Address::Inbox { instance, .. } => service.inboxes.get_mut(instance),
            Address::Control { .. } => Some(&mut service.control),
            Address::Directory => None,
        }
    }
}

impl Service {
    fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.inboxes.is_empty() && self.control.is_empty()
    }
}
