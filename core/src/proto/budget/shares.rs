//! Fair shares of a resource among sources.

use std::collections::BTreeMap;

use crate::{InstanceId, ServiceName, Source};

/// A limited resource, and what each source holds of it.
///
/// A source may take more while its instance and its service together hold no more than what is
/// free: the dynamic threshold of shared buffers (Choudhury and Hahne, 1998). So one instance alone
/// gets a third, one service alone half, and `n` services `n / (n + 1)`. There is always room for
/// the next one.
///
/// Unconfirmed offers have a separate, lower limit.
#[derive(Debug)]
pub struct Shares {
    limit: u64,
    unconfirmed_limit: u64,
    used: Holding,
    services: BTreeMap<ServiceName, ServiceShare>,
}

#[derive(Debug, Default)]
struct ServiceShare {
    held: Holding,
    instances: BTreeMap<InstanceId, Holding>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Holding {
    /// The number of bodies that hold a part, or are about to.
    bodies: u64,
    amount: u64,
    /// The number of those that are unconfirmed.
    offers: u64,
    unconfirmed: u64,
}

/// The part that one body holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) amount: u64,
    pub(super) confirmed: bool,
}

impl Shares {
    /// Creates shares of a limit, with another limit for unconfirmed offers.
    #[must_use]
    pub const fn new(limit: u64, unconfirmed_limit: u64) -> Self {
        let used = Holding { bodies: 0, amount: 0, offers: 0, unconfirmed: 0 };
        Self { limit, unconfirmed_limit, used, services: BTreeMap::new() }
    }

    /// Takes over the limits of others.
    pub(super) fn set_limits_of(&mut self, other: &Self) {
        self.limit = other.limit;
        self.unconfirmed_limit = other.unconfirmed_limit;
    }

    /// Returns the amount held.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used.amount
    }

    /// Returns the amount that is free.
    #[must_use]
    pub const fn free(&self) -> u64 {
        self.limit.saturating_sub(self.used.amount)
    }

    /// Returns whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used.bodies == 0 && self.services.is_empty()
    }

    /// Returns whether a source may take more, if `free` is free.
    pub(super) fn is_fair(&self, source: &Source, free: u64) -> bool {
        let (service, instance) = self.held(source);
        service.amount.saturating_add(instance.amount) <= free
    }

    /// Returns whether there is room for another unconfirmed offer. There always is for a single
    /// one.
    pub(super) fn has_room_for_offer(&self, amount: u64) -> bool {
        let fits = self.used.unconfirmed.saturating_add(amount) <= self.unconfirmed_limit;
        fits || self.used.offers == 0
    }

    /// Returns the source with the most unconfirmed offers, if it has several, and its service
    /// holds more than half of their limit, or the source itself more than a third.
    pub(super) fn greediest(&self) -> Option<Source> {
        let (name, service) = self.services.iter().max_by_key(|(_, it)| it.held.unconfirmed)?;
        let most = service.instances.iter().max_by_key(|(_, held)| held.unconfirmed);
        let (instance, held) = most?;
        let is_greedy = self.is_more_than(service.held, 2) || self.is_more_than(*held, 3);
        is_greedy.then(|| Source { service: name.clone(), instance: *instance })
    }

    /// Returns whether a source would hold no more than another with an unconfirmed offer of
    /// `amount` added.
    pub(super) fn has_less(&self, source: &Source, amount: u64, other: &Source) -> bool {
        let (service, instance) = self.held(source);
        let (other_service, other_instance) = self.held(other);
        let less = |one: Holding, other: Holding| {
            one.unconfirmed.saturating_add(amount) <= other.unconfirmed
        };
        if source.service == other.service {
            less(instance, other_instance)
        } else {
            less(service, other_service)
        }
    }

    /// Returns whether several unconfirmed offers are held, and more than a fraction of their
    /// limit.
    fn is_more_than(&self, held: Holding, part: u64) -> bool {
        held.offers > 1 && held.unconfirmed.saturating_mul(part) > self.unconfirmed_limit
    }

    /// Returns how much a body may hold: an equal part of what its source may hold, as far as that
    /// is free.
    pub(super) fn allowance(&self, source: &Source, holds: u64) -> u64 {
        let (service, instance) = self.held(source);
        let taken = service.amount.saturating_add(instance.amount);
        // A third, so that the source is still within its share afterwards.
        let more = self.free().saturating_sub(taken) / 3;
        let equal = instance.amount.saturating_add(more) / instance.bodies.max(1);
        equal.min(holds.saturating_add(more))
    }

    /// Adds a body. A reply was requested from here, and counts for no source.
    pub(super) fn add(&mut self, source: Option<&Source>, part: Part) {
        self.each(source, |held| held.add(part));
    }

    /// Changes the amount that a body holds.
    pub(super) fn change(&mut self, source: Option<&Source>, (from, to): (Part, Part)) {
        self.each(source, |held| {
            held.remove(from);
            held.add(to);
        });
    }

    /// Removes a body.
    pub(super) fn remove(&mut self, source: Option<&Source>, part: Part) {
        self.each(source, |held| held.remove(part));
        let Some(source) = source else { return };
        if let Some(service) = self.services.get_mut(&source.service) {
            if service.instances.get(&source.instance).is_some_and(|held| held.bodies == 0) {
                service.instances.remove(&source.instance);
            }
            if service.instances.is_empty() {
                self.services.remove(&source.service);
            }
        }
    }

    fn each(&mut self, source: Option<&Source>, mut change: impl FnMut(&mut Holding)) {
        change(&mut self.used);
        let Some(source) = source else { return };
        if !self.services.contains_key(&source.service) {
            self.services.insert(source.service.clone(), ServiceShare::default());
        }
        if let Some(service) = self.services.get_mut(&source.service) {
            change(&mut service.held);
            change(service.instances.entry(source.instance).or_default());
        }
    }

    fn held(&self, source: &Source) -> (Holding, Holding) {
        let service = self.services.get(&source.service);
        let instance = service.and_then(|service| service.instances.get(&source.instance));
        (
            service.map(|service| service.held).unwrap_or_default(),
            instance.copied().unwrap_or_default(),
        )
    }
}

impl Holding {
    fn add(&mut self, part: Part) {
        self.bodies += 1;
        self.amount = self.amount.saturating_add(part.amount);
        if !part.confirmed {
            self.offers += 1;
            self.unconfirmed = self.unconfirmed.saturating_add(part.amount);
        }
    }

    fn remove(&mut self, part: Part) {
        self.bodies -= 1;
        self.amount -= part.amount;
        if !part.confirmed {
            self.offers -= 1;
            self.unconfirmed -= part.amount;
        }
    }
}
