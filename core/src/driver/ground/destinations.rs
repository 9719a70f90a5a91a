//! A cache of the destinations that packets were published to.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

use foldhash::fast::RandomState;

use crate::{
    ServiceName, Subject,
    driver::{cleanup_flag::CleanupFlag, endpoint::Endpoint, outlet::Outlet, tally::Tallies},
    lock::lock,
    transport::{Address, Targets},
};

#[derive(Default)]
pub(crate) struct Destinations {
    endpoints: Mutex<Endpoints>,
    sent: Tallies<(ServiceName, Subject)>,
    /// All other destinations. Askers choose the inboxes that are answered, and must not evict
    /// endpoints, whose messages are numbered.
    others: Mutex<Cache<Address, Outlet>>,
    /// Set when one of the others was added.
    cleanup_flag: Arc<CleanupFlag>,
}

impl Destinations {
    pub(in crate::driver) fn new(cleanup_flag: Arc<CleanupFlag>) -> Self {
        Self { cleanup_flag, ..Self::default() }
    }

    /// Drops the destinations that are not in use, apart from endpoints.
    pub(in crate::driver) fn forget_idle(&self) {
        let forgotten = lock(&self.others).forget_unused();
        drop(forgotten);
    }

    /// Returns the endpoint of a subject.
    pub(crate) fn endpoint(&self, service: ServiceName, subject: Subject) -> Arc<Endpoint> {
        let mut endpoints = lock(&self.endpoints);
        let (endpoint, forgotten) = endpoints.get((service, subject), &self.sent);
        // Values that a transport caches may run any code when they are dropped.
        drop(endpoints);
        drop(forgotten);
        endpoint
    }

    /// Returns what was sent to each endpoint.
    pub(crate) fn sent(&self) -> &Tallies<(ServiceName, Subject)> {
        &self.sent
    }

    /// Returns the destination of some of the bindings of an endpoint.
    pub(crate) fn of(&self, endpoint: &Endpoint, targets: Targets) -> Arc<Outlet> {
        match targets {
            Targets::Both => Arc::clone(endpoint.both()),
            targets => self.get(&endpoint.address(targets)),
        }
    }

    /// Returns the destination of an address.
    pub(crate) fn get(&self, address: &Address) -> Arc<Outlet> {
        let mut others = lock(&self.others);
        if let Some(destination) = others.get(address) {
            return destination;
        }
        let forgotten = others.make_room();
        let destination = others.insert(address.clone(), Outlet::new(address.clone()));
        self.cleanup_flag.set();
        drop(others);
        drop(forgotten);
        destination
    }
}

#[derive(Default)]
struct Endpoints {
    cache: Cache<(ServiceName, Subject), Endpoint>,
    /// The numbering for new endpoints.
    numbering: u64,
}

impl Endpoints {
    /// Returns the endpoint of a subject, and those that were dropped to make room for it. Their
    /// numberings are not used again: receivers would take new messages for late ones.
    fn get(
        &mut self,
        key: (ServiceName, Subject),
        sent: &Tallies<(ServiceName, Subject)>,
    ) -> (Arc<Endpoint>, Vec<Endpoint>) {
        if let Some(endpoint) = self.cache.get(&key) {
            return (endpoint, Vec::new());
        }
        let forgotten = self.cache.make_room();
        if let Some(last) = forgotten.iter().map(Endpoint::numbering).max() {
            self.numbering = self.numbering.max(last) + 1;
        }
        let endpoint = Endpoint::new(key.0.clone(), key.1.clone(), self.numbering, sent.get(&key));
        (self.cache.insert(key, endpoint), forgotten)
    }
}

/// Values that are shared, and dropped when there are many and they are not in use.
struct Cache<K, V> {
    values: HashMap<K, Arc<V>, RandomState>,
    /// How many there may be before unused ones are dropped.
    most: usize,
}

/// How many values a cache always has room for.
const MOST: usize = 4096;

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { values: HashMap::default(), most: MOST }
    }
}

impl<K: Eq + Hash, V> Cache<K, V> {
    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.values.get(key).cloned()
    }

    fn insert(&mut self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.values.insert(key, Arc::clone(&value));
        value
    }

    /// Drops unused values if there are too many. Returns them.
    fn make_room(&mut self) -> Vec<V> {
        if self.values.len() < self.most { Vec::new() } else { self.forget_unused() }
    }

    /// Drops unused values. Returns them.
    fn forget_unused(&mut self) -> Vec<V> {
        let unused = self.values.extract_if(|_, value| Arc::strong_count(value) == 1);
        let forgotten = unused.filter_map(|(_, value)| Arc::into_inner(value)).collect();
        self.most = MOST.max(2 * self.values.len());
        self.values.shrink_to(2 * self.values.len());
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        InstanceId,
        proto::{COUNTER_BITS, Gap, SequenceTracker},
    };

    fn endpoint(destinations: &Destinations, number: usize) -> Arc<Endpoint> {
        let service = "service".parse().expect("a service name");
        let subject = format!("subject.{number}").parse().expect("a subject");
        destinations.endpoint(service, subject)
    }

    fn len(destinations: &Destinations) -> usize {
        lock(&destinations.endpoints).cache.values.len() + lock(&destinations.others).values.len()
    }

    #[test]
    fn each_is_numbered_from_the_start() {
        let destinations = Destinations::default();
        for expected in 0..3 {
            for subject in 0..3 {
                assert_eq!(endpoint(&destinations, subject).number(), expected);
            }
        }
    }

    #[test]
    fn too_many_are_forgotten_and_nothing_seems_to_be_missing() {
        let (destinations, mut seen) = (Destinations::default(), SequenceTracker::default());
        let sender = InstanceId::from_bytes([1; InstanceId::LEN]);
        for round in 1..3 * MOST {
            endpoint(&destinations, round).number();
            let number = endpoint(&destinations, 0).number();
            assert_eq!(seen.note(sender, number), Gap::None);
        }
        assert!(len(&destinations) <= MOST);
        assert!(endpoint(&destinations, 0).number() >> COUNTER_BITS >= 2);
    }

    #[test]
    fn one_that_is_used_is_not_forgotten() {
        let destinations = Destinations::default();
        let used: Vec<_> = (0..2 * MOST).map(|number| endpoint(&destinations, number)).collect();
        for (number, used) in used.iter().enumerate() {
            assert!(Arc::ptr_eq(used, &endpoint(&destinations, number)));
        }
        drop(used);
        for number in 0..8 * MOST {
            endpoint(&destinations, number);
        }
        assert!(len(&destinations) <= MOST);
    }

    #[test]
    fn inboxes_do_not_make_numbers_be_forgotten() {
        let destinations = Destinations::default();
        endpoint(&destinations, 0).number();
        for number in 0..3 * MOST as u128 {
            destinations.get(&Address::Inbox {
                service: "service".parse().expect("a service name"),
                instance: InstanceId::from_bytes(number.to_be_bytes()),
            });
        }
        assert_eq!(endpoint(&destinations, 0).number(), 1);
        assert!(len(&destinations) <= 1 + MOST);
    }
}
