//! Where packets were published to, so that nothing has to be made anew for each of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use foldhash::fast::RandomState;

use super::shared::lock;
use crate::{
    proto::COUNTER_BITS,
    transport::{Address, Destination},
};

#[derive(Default)]
pub(crate) struct Destinations(Mutex<Known>);

struct Known {
    /// The upper half of the numbers of what is not known yet.
    numbering: u64,
    by_address: HashMap<Address, Arc<Destination>, RandomState>,
    /// How many are remembered before those that nobody uses are forgotten.
    most: usize,
}

impl Default for Known {
    fn default() -> Self {
        Self { numbering: 0, by_address: HashMap::default(), most: Destinations::MOST }
    }
}

impl Destinations {
    /// How many are remembered at least. Whoever asks us chooses the inboxes that we answer to.
    const MOST: usize = 4096;

    /// The destination of an address.
    pub(crate) fn get(&self, address: &Address) -> Arc<Destination> {
        let mut known = lock(&self.0);
        if let Some(destination) = known.by_address.get(address) {
            return Arc::clone(destination);
        }
        if known.by_address.len() >= known.most {
            known.forget_unused();
        }
        let first = known.numbering << COUNTER_BITS;
        let destination = Arc::new(Destination::numbered_from(address.clone(), first));
        known.by_address.insert(address.clone(), Arc::clone(&destination));
        destination
    }
}

impl Known {
    /// Forgets what nobody uses. Its numbers are not used again for something else: a receiver
    /// would think that they came late.
    fn forget_unused(&mut self) {
        let mut numbering = self.numbering;
        self.by_address.retain(|_, destination| {
            numbering = numbering.max(destination.next_number() >> COUNTER_BITS);
            Arc::strong_count(destination) > 1
        });
        self.numbering = numbering + 1;
        self.most = Destinations::MOST.max(2 * self.by_address.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        InstanceId,
        proto::{Gap, Seen},
        transport::Targets,
    };

    fn address(number: usize) -> Address {
        Address::Subject {
            service: "service".parse().expect("a service name"),
            subject: format!("subject.{number}").parse().expect("a subject"),
            targets: Targets::Both,
        }
    }

    fn len(destinations: &Destinations) -> usize {
        lock(&destinations.0).by_address.len()
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
        let (destinations, mut seen) = (Destinations::default(), Seen::default());
        let sender = InstanceId::from_bytes([1; InstanceId::LEN]);
        for round in 1..3 * Destinations::MOST {
            destinations.get(&address(round)).number();
            let number = destinations.get(&address(0)).number();
            assert_eq!(seen.note(sender, number), Gap::None);
        }
        assert!(len(&destinations) <= Destinations::MOST);
        assert!(destinations.get(&address(0)).number() >> COUNTER_BITS >= 2);
    }

    #[test]
    fn one_that_is_used_is_not_forgotten() {
        let destinations = Destinations::default();
        let used: Vec<_> =
            (0..2 * Destinations::MOST).map(|number| destinations.get(&address(number))).collect();
        for (number, destination) in used.iter().enumerate() {
            assert!(Arc::ptr_eq(destination, &destinations.get(&address(number))));
        }
        drop(used);
        for number in 0..8 * Destinations::MOST {
            destinations.get(&address(number));
        }
        assert!(len(&destinations) <= Destinations::MOST);
    }
}
