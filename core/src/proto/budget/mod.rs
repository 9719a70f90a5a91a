//! Limits what inbound bodies hold, and decides which offers are accepted.

mod accounts;
mod admitting;
mod shares;

use crate::{InstanceId, Source};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::Instant,
};

use self::accounts::{Accounts, BindingAccounts};
pub use self::{
    admitting::{Offered, Refused},
    shares::Shares,
};
use super::frame::StreamId;

/// The limits of a [`Budget`].
#[derive(Debug, Clone, Copy)]
pub struct BudgetLimits {
    /// The maximum of bytes that all bodies may buffer or have been granted.
    pub bytes: u64,
    /// The maximum of bytes that each may be sent before the first grant.
    pub first: u64,
    /// The maximum number of open bodies.
    pub bodies: u64,
    /// The maximum number of open bodies of one binding.
    pub bodies_per_binding: u64,
    /// The maximum number of messages that wait in one binding.
    pub places: u64,
    /// The maximum of packet bytes that wait in one binding.
    pub packets: u64,
}

/// What all inbound bodies of a conduit hold together, by source.
///
/// A body charges the bytes that were granted and not yet read. Its first bytes and its places in
/// the table and in its binding are charged when its offer is accepted, which depends on what its
/// source already holds: see [`Shares`]. Further grants are charged to another part of the bytes,
/// so that growing bodies do not keep new offers out.
///
/// Unconfirmed offers hold at most a quarter of each account. If that is used up and one source has
/// much of it, its oldest offer gives way to those of sources that have less. Otherwise the oldest
/// offer of all gives way, once its sender had the time to confirm it.
///
/// # Run loop
/// - Call [`offer`](Self::offer) before accepting an offer, [`reply`](Self::reply) before receiving
///   a reply; pass the returned claim to the machine, which does the rest.
/// - If an offer [gives way](Refused::GivesWay), stop its machine, and call `offer` again.
#[derive(Debug)]
pub struct Budget {
    limits: BudgetLimits,
    conduit: Accounts,
    bindings: BTreeMap<u64, BindingAccounts>,
    holders: BTreeMap<u64, Holder>,
    /// The unconfirmed ones, in order of arrival.
    unconfirmed: BTreeSet<u64>,
    /// The sources of open bodies, replies included.
    sources: BTreeMap<InstanceId, Bodies>,
    next: u64,
}

/// The open bodies of one source.
#[derive(Debug)]
struct Bodies {
    count: u64,
    /// When something last arrived for any of them.
    heard: Instant,
}

/// The claim of one body, until it is [released](super::Inbound::close).
#[derive(Debug)]
pub struct Claim {
    id: u64,
    ration: u64,
}

/// What one body holds.
#[derive(Debug, Clone)]
struct Holder {
    stream: StreamId,
    source: Source,
    /// The binding; `None` for a reply.
    port: Option<u64>,
    since: Instant,
    packet: u64,
    /// The bytes granted at first; the rest is growth.
    promised: u64,
    charge: u64,
    confirmed: bool,
    waits: bool,
}

impl Budget {
    /// Creates a budget with limits.
    #[must_use]
    pub const fn new(limits: BudgetLimits) -> Self {
        Self {
            conduit: Accounts::new(&limits),
            limits,
            bindings: BTreeMap::new(),
            holders: BTreeMap::new(),
            unconfirmed: BTreeSet::new(),
            sources: BTreeMap::new(),
            next: 0,
        }
    }

    /// Sets the limits of bytes. What is held beyond them is kept until it is released.
    pub fn set_limits(&mut self, limits: BudgetLimits) {
        let BudgetLimits { bytes, first, .. } = limits;
        if (self.limits.bytes, self.limits.first) != (bytes, first) {
            self.limits = BudgetLimits { bytes, first, ..self.limits };
            self.conduit.set_limits(&self.limits);
        }
    }

    /// Returns the bytes charged now.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.conduit.first.used() + self.conduit.growth.used()
    }

    /// Returns whether nothing is held, and no source is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
            && self.unconfirmed.is_empty()
            && self.bindings.is_empty()
            && self.sources.is_empty()
            && self.conduit.is_empty()
    }

    /// Returns whether there is room for another reply with `first` bytes granted at first.
    #[must_use]
    pub const fn has_room_for_reply(&self, first: u64) -> bool {
        self.conduit.bodies.free() >= 1 && self.conduit.first.free() >= first
    }

    /// Charges a reply, which was requested from here, with `first` bytes. It is charged in any
    /// case.
    pub fn reply(&mut self, now: Instant, stream: StreamId, source: &Source, first: u64) -> Claim {
        self.open(Holder {
            stream,
            source: source.clone(),
            port: None,
            since: now,
            packet: 0,
            promised: first,
            charge: first,
            confirmed: true,
            waits: false,
        })
    }

    fn open(&mut self, holder: Holder) -> Claim {
        let is_reply = holder.port.is_none();
        let id = self.next;
        self.next += 1;
        self.conduit.add(&holder);
        if let Some(port) = holder.port {
            let fresh = || BindingAccounts::new(&self.limits);
            self.bindings.entry(port).or_insert_with(fresh).add(&holder);
        }
        if !holder.confirmed {
            self.unconfirmed.insert(id);
        }
        let fresh = || Bodies { count: 0, heard: holder.since };
        self.sources.entry(holder.source.instance).or_insert_with(fresh).count += 1;
        self.holders.insert(id, holder);
        // The first credit of a reply was granted with the request.
        Claim { id, ration: if is_reply { u64::MAX } else { self.ration() } }
    }

    /// Returns how many bytes may be on the way for a body before it is known how fast they arrive.
    /// The way here is shared by all sources, of which each limits only what it sends itself.
    pub(super) fn ration(&self) -> u64 {
        const LEAST: u64 = 2 << 10;
        match self.sources.len() as u64 {
            0 | 1 => u64::MAX,
            sources => (self.limits.first / sources).max(LEAST),
        }
    }

    /// Returns how many bytes a body may charge now, including those that it already charges.
    pub(super) fn allowance(&self, claim: &Claim) -> u64 {
        self.holders.get(&claim.id).map_or(0, |holder| {
            let growth = &self.conduit.growth;
            holder.promised.saturating_add(growth.allowance(&holder.source, holder.growth()))
        })
    }

    /// Sets the bytes that a body charges.
    pub(super) fn charge(&mut self, claim: &Claim, bytes: u64) {
        if let Some(holder) = self.holders.get_mut(&claim.id) {
            let before = holder.bytes();
            holder.charge = bytes;
            self.conduit.recharge(holder, before);
        }
    }

    /// Notes that something of the sender of a body has arrived.
    pub(super) fn hear(&mut self, now: Instant, claim: &Claim) {
        let source = self.holders.get(&claim.id).map(|holder| holder.source.instance);
        if let Some(bodies) = source.and_then(|source| self.sources.get_mut(&source)) {
            bodies.heard = now;
        }
    }

    /// Returns when something last arrived for any body of the sender of this one.
    pub(super) fn heard(&self, claim: &Claim) -> Option<Instant> {
        let holder = self.holders.get(&claim.id)?;
        self.sources.get(&holder.source.instance).map(|bodies| bodies.heard)
    }

    /// Notes that the sender of an offer has confirmed it.
    pub(super) fn confirm(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.id);
        self.change(claim, |holder| holder.confirmed = true);
    }

    /// Notes that the handler of a message has started: it no longer waits.
    pub(super) fn start(&mut self, claim: &Claim) {
        self.change(claim, |holder| holder.waits = false);
    }

    /// Notes that a body has ended. It still counts as open.
    pub(super) fn end(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.id);
        self.change(claim, |holder| {
            holder.charge = 0;
            holder.confirmed = true;
            holder.waits = false;
        });
    }

    /// Releases the claim of a body.
    pub(super) fn close(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.id);
        let Some(holder) = self.holders.remove(&claim.id) else { return };
        if let Entry::Occupied(mut bodies) = self.sources.entry(holder.source.instance) {
            bodies.get_mut().count -= 1;
            if bodies.get().count == 0 {
                bodies.remove();
            }
        }
        self.conduit.remove(&holder);
        let Some(port) = holder.port else { return };
        if let Some(binding) = self.bindings.get_mut(&port) {
            binding.remove(&holder);
            if binding.is_empty() {
                self.bindings.remove(&port);
            }
        }
    }

    fn change(&mut self, claim: &Claim, change: impl FnOnce(&mut Holder)) {
        let Some(holder) = self.holders.get_mut(&claim.id) else { return };
        let before = holder.clone();
        change(holder);
        self.conduit.change(&before, holder);
        if let Some(binding) = holder.port.and_then(|port| self.bindings.get_mut(&port)) {
            binding.change(&before, holder);
        }
    }
}

impl Claim {
    /// Returns how many bytes may be on the way at first.
    pub(super) const fn ration(&self) -> u64 {
        self.ration
    }
}

impl Holder {
    /// Returns the source that it counts for; none for a reply, which was requested from here.
    fn offerer(&self) -> Option<&Source> {
        self.port.map(|_| &self.source)
    }

    /// Returns the bytes granted beyond the first ones.
    const fn growth(&self) -> u64 {
        self.charge.saturating_sub(self.promised)
    }

    /// Returns what it holds of the first bytes, and beyond.
    const fn bytes(&self) -> (u64, u64) {
        let growth = self.growth();
        (self.charge - growth, growth)
    }
}
