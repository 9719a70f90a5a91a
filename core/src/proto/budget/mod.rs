//! What inbound bodies hold, and which offers are taken.

mod accounts;
mod admitting;
mod shares;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use self::accounts::{Accounts, BindingAccounts};
pub use self::{
    admitting::{Offered, Refused},
    shares::Shares,
};
use super::frame::{Source, StreamId};

/// The limits of a [`Budget`].
#[derive(Debug, Clone, Copy)]
pub struct BudgetLimits {
    /// The bytes that all bodies may hold or be sent.
    pub bytes: u64,
    /// What each may be sent at first, at most.
    pub first: u64,
    /// How many bodies are open.
    pub bodies: u64,
    /// How many of these are for one binding.
    pub bodies_per_binding: u64,
    /// How many messages wait in one binding.
    pub places: u64,
    /// How many bytes of packets wait in one binding.
    pub packets: u64,
}

/// What all inbound bodies of a conduit hold together, and who sends them.
///
/// A body charges what it may be sent and has not been read. Its first bytes, its place in the table
/// and in its binding are charged when its offer is taken, which depends on what its source holds
/// already: see [`Shares`]. What it is granted beyond is charged to another part of the bytes, so that
/// bodies which have grown keep no offer out.
///
/// Offers that are not confirmed hold a quarter of each at most. Where that is used up, and one source
/// has much of it, its oldest offer gives way to those of sources that have less. Else the oldest of all
/// gives way, once its sender had the time to confirm it.
///
/// # Run loop
/// - [`offer`](Self::offer) before an offer is accepted, [`reply`](Self::reply) before a reply is
///   received; the machine does the rest with what they return.
/// - Where one [gives way](Refused::GivesWay), stop its machine, and offer again.
#[derive(Debug)]
pub struct Budget {
    limits: BudgetLimits,
    conduit: Accounts,
    bindings: BTreeMap<u64, BindingAccounts>,
    holders: BTreeMap<u64, Holder>,
    /// Those that are not confirmed, in the order in which they came.
    unconfirmed: BTreeSet<u64>,
    next: u64,
}

/// What one body holds, until it is [given back](super::Inbound::close).
#[derive(Debug)]
pub struct Claim(u64);

/// A body that holds something.
#[derive(Debug, Clone)]
struct Holder {
    stream: StreamId,
    source: Source,
    /// The binding; none of a reply.
    port: Option<u64>,
    since: Instant,
    packet: u64,
    /// What was promised at first: the rest is growth.
    promised: u64,
    charge: u64,
    confirmed: bool,
    waits: bool,
}

impl Budget {
    /// A budget with these limits.
    #[must_use]
    pub const fn new(limits: BudgetLimits) -> Self {
        Self {
            conduit: Accounts::new(&limits),
            limits,
            bindings: BTreeMap::new(),
            holders: BTreeMap::new(),
            unconfirmed: BTreeSet::new(),
            next: 0,
        }
    }

    /// The bytes that are charged now.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.conduit.first.used() + self.conduit.growth.used()
    }

    /// Whether nothing holds anything, and no source is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
            && self.unconfirmed.is_empty()
            && self.bindings.is_empty()
            && self.conduit.is_empty()
    }

    /// Whether one more reply has room that may be sent so much at first.
    #[must_use]
    pub const fn has_room_for_reply(&self, first: u64) -> bool {
        self.conduit.bodies.free() >= 1 && self.conduit.first.free() >= first
    }

    /// A reply that was asked for, which may be sent so much at first. It is charged in any case.
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
        self.holders.insert(id, holder);
        Claim(id)
    }

    /// How many bytes a body may charge now, those that it charges already included.
    pub(super) fn allowance(&self, claim: &Claim) -> u64 {
        self.holders.get(&claim.0).map_or(0, |holder| {
            let growth = &self.conduit.growth;
            holder.promised.saturating_add(growth.allowance(&holder.source, holder.growth()))
        })
    }

    /// A body charges so many bytes.
    pub(super) fn charge(&mut self, claim: &Claim, bytes: u64) {
        if let Some(holder) = self.holders.get_mut(&claim.0) {
            let before = holder.bytes();
            holder.charge = bytes;
            self.conduit.recharge(holder, before);
        }
    }

    /// The sender of an offer has confirmed it.
    pub(super) fn confirm(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.0);
        self.change(claim, |holder| holder.confirmed = true);
    }

    /// The handler of a message has started: it waits no more.
    pub(super) fn start(&mut self, claim: &Claim) {
        self.change(claim, |holder| holder.waits = false);
    }

    /// A body has ended. It is still one of those that are open.
    pub(super) fn end(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.0);
        self.change(claim, |holder| {
            holder.charge = 0;
            holder.confirmed = true;
            holder.waits = false;
        });
    }

    /// A body is forgotten.
    pub(super) fn close(&mut self, claim: &Claim) {
        self.unconfirmed.remove(&claim.0);
        let Some(holder) = self.holders.remove(&claim.0) else { return };
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
        let Some(holder) = self.holders.get_mut(&claim.0) else { return };
        let before = holder.clone();
        change(holder);
        self.conduit.change(&before, holder);
        if let Some(binding) = holder.port.and_then(|port| self.bindings.get_mut(&port)) {
            binding.change(&before, holder);
        }
    }
}

impl Holder {
    /// What counts for its source. A reply was asked for.
    fn offerer(&self) -> Option<&Source> {
        self.port.map(|_| &self.source)
    }

    /// What was granted beyond what was promised.
    const fn growth(&self) -> u64 {
        self.charge.saturating_sub(self.promised)
    }

    /// What it holds of what was promised, and beyond.
    const fn bytes(&self) -> (u64, u64) {
        let growth = self.growth();
        (self.charge - growth, growth)
    }
}
