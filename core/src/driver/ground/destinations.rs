//! A cache of the destinations that packets were published to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use foldhash::fast::RandomState;

use super::{CleanupFlag, lock};
use crate::{
    proto::COUNTER_BITS,
    transport::{Address, Destination, Targets},
};

#[derive(Default)]
pub(crate) struct Destinations {
    /// Destinations whose messages are numbered.
    numbered: Mutex<DestinationCache>,
    /// All others. Askers choose the inboxes that are answered, and must not evict the numbered
    /// ones.
    others: Mutex<DestinationCache>,
    /// Set when one of the others was added.
    cleanup_flag: Arc<CleanupFlag>,
}

impl Destinations {
    pub(crate) fn new(cleanup_flag: Arc<CleanupFlag>) -> Self {
        Self { cleanup_flag, ..Self::default() }
    }

    /// Drops unnumbered destinations that are not in use.
    pub(in crate::driver) fn forget_idle(&self) {
        let forgotten = lock(&self.others).forget_unused();
        drop(forgotten);
    }

    /// Returns the destination of an address.
    pub(crate) fn get(&self, address: &Address) -> Arc<Destination> {
        let is_numbered = matches!(address, Address::Subject { targets: Targets::Both, .. });
        let mut known = lock(if is_numbered { &self.numbered } else { &self.others });
        let before = known.by_address.len();
        let (destination, forgotten) = known.get(address);
        if !is_numbered && known.by_address.len() > before {
            self.cleanup_flag.set();
        }
        // Values that a transport caches may run any code when they are dropped.
        drop(known);
        drop(forgotten);
        destination
    }
}

struct DestinationCache {
    by_address: HashMap<Address, Arc<Destination>, RandomState>,
    /// How many there may be before unused ones are dropped.
    most: usize,
    /// The numbering (upper half of the numbers) for new destinations.
    numbering: u64,
}

impl Default for DestinationCache {
    fn default() -> Self {
        Self { by_address: HashMap::default(), most: Self::MOST, numbering: 0 }
    }
}

impl DestinationCache {
    const MOST: usize = 4096;

    /// Returns the destination of an address, and those that were dropped to make room for it.
    fn get(&mut self, address: &Address) -> (Arc<Destination>, Vec<Destination>) {
        if let Some(destination) = self.by_address.get(address) {
            return (Arc::clone(destination), Vec::new());
        }
        let full = self.by_address.len() >= self.most;
        let forgotten = if full { self.forget_unused() } else { Vec::new() };
        let first = self.numbering << COUNTER_BITS;
        let destination = Arc::new(Destination::numbered_from(address.clone(), first));
        self.by_address.insert(address.clone(), Arc::clone(&destination));
        (destination, forgotten)
    }

    /// Drops unused destinations. Their numbering is not used again: receivers would take new
    /// messages for late ones.
    fn forget_unused(&mut self) -> Vec<Destination> {
        let unused = self.by_address.extract_if(|_, known| Arc::strong_count(known) == 1);
        let forgotten: Vec<_> =
            unused.filter_map(|(_, destination)| Arc::into_inner(destination)).collect();
        let numberings = forgotten.iter().map(|known| known.next_number() >> COUNTER_BITS);
        self.numbering = numberings.fold(self.numbering, u64::max) + 1;
        self.most = Self::MOST.max(2 * self.by_address.len());
        self.by_address.shrink_to(2 * self.by_address.len());
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        InstanceId,
        proto::{Gap, SequenceTracker},
    };

    fn address(number: usize) -> Address {
        Address::Subject {
            service: "service".parse().expect("a service name"),
            subject: format!("subject.{number}").parse().expect("a subject"),
            targets: Targets::Both,
        }
    }

    fn len(destinations: &Destinations) -> usize {
        lock(&destinations.numbered).by_address.len() + lock(&destinations.others).by_address.len()
    }

    #[test]
    fn each_is_numbered_from_the_start() {
        let destinations = Destinations::default();
        for expected in 0..3 {
            for subject in 0..3 {
                assert_eq!(destinations.get(&address(subject)).number(), expected);
            }
        }
    }

    #[test]
    fn too_many_are_forgotten_and_nothing_seems_to_be_missing() {
        let (destinations, mut seen) = (Destinations::default(), SequenceTracker::default());
        let sender = InstanceId::from_bytes([1; InstanceId::LEN]);
        for round in 1..3 * DestinationCache::MOST {
            destinations.get(&address(round)).number();
            let number = destinations.get(&address(0)).number();
            assert_eq!(seen.note(sender, number), Gap::None);
        }
        assert!(len(&destinations) <= DestinationCache::MOST);
        assert!(destinations.get(&address(0)).number() >> COUNTER_BITS >= 2);
    }

    #[test]
    fn one_that_is_used_is_not_forgotten() {
        let destinations = Destinations::default();
        let used: Vec<_> = (0..2 * DestinationCache::MOST)
            .map(|number| destinations.get(&address(number)))
            .collect();
        for (number, destination) in used.iter().enumerate() {
            assert!(Arc::ptr_eq(destination, &destinations.get(&address(number))));
        }
        drop(used);
        for number in 0..8 * DestinationCache::MOST {
            destinations.get(&address(number));
        }
        assert!(len(&destinations) <= DestinationCache::MOST);
    }

    #[test]
    fn inboxes_do_not_make_numbers_be_forgotten() {
        let destinations = Destinations::default();
        destinations.get(&address(0)).number();
        for number in 0..3 * DestinationCache::MOST as u128 {
            destinations.get(&Address::Inbox {
                service: "service".parse().expect("a service name"),
                instance: InstanceId::from_bytes(number.to_be_bytes()),
            });
        }
        assert_eq!(destinations.get(&address(0)).number(), 1);
        assert!(len(&destinations) <= 1 + DestinationCache::MOST);
    }
}
