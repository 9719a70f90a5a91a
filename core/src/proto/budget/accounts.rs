//! The accounts that bodies are charged to.

use super::{
    BudgetLimits, Holder,
    shares::{Part, Shares},
};

/// The accounts of a conduit.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Bytes granted with the acceptance.
    pub(super) first: Shares,
    /// Bytes granted beyond.
    pub(super) growth: Shares,
    pub(super) bodies: Shares,
}

/// The accounts of one binding.
#[derive(Debug)]
pub(super) struct BindingAccounts {
    pub(super) bodies: Shares,
    /// Places for messages whose handlers have not started.
    pub(super) places: Shares,
    /// Bytes of their packets.
    pub(super) packets: Shares,
}

/// Returns what a body holds of an account.
type Amount = fn(&Holder) -> u64;

const fn shares(limit: u64) -> Shares {
    Shares::new(limit, limit / 4)
}

impl Accounts {
    pub(super) const fn new(limits: &BudgetLimits) -> Self {
        // Half of what remains after the first bytes of one body.
        let growth = limits.bytes.saturating_sub(limits.first) / 2;
        Self {
            first: Shares::new(limits.bytes - growth, limits.bytes / 4),
            growth: Shares::new(growth, growth),
            bodies: shares(limits.bodies),
        }
    }

    /// Sets the limits of bytes.
    pub(super) fn set_limits(&mut self, limits: &BudgetLimits) {
        let Self { first, growth, .. } = Self::new(limits);
        self.first.set_limits_of(&first);
        self.growth.set_limits_of(&growth);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.growth.is_empty() && self.bodies.is_empty()
    }

    pub(super) fn add(&mut self, holder: &Holder) {
        let (first, growth) = holder.bytes();
        self.first.add(holder.offerer(), holder.part(first));
        self.growth.add(Some(&holder.source), confirmed(growth));
        self.bodies.add(holder.offerer(), holder.part(1));
    }

    pub(super) fn change(&mut self, from: &Holder, to: &Holder) {
        let parts = |amount: Amount| (from.part(amount(from)), to.part(amount(to)));
        self.first.change(to.offerer(), parts(|holder| holder.bytes().0));
        self.bodies.change(to.offerer(), parts(|_| 1));
        let (before, after) = (from.bytes().1, to.bytes().1);
        self.growth.change(Some(&to.source), (confirmed(before), confirmed(after)));
    }

    /// Notes that the bytes that a body charges have changed.
    pub(super) fn recharge(&mut self, holder: &Holder, before: (u64, u64)) {
        let after = holder.bytes();
        if before.0 != after.0 {
            let parts = (holder.part(before.0), holder.part(after.0));
            self.first.change(holder.offerer(), parts);
        }
        if before.1 != after.1 {
            let parts = (confirmed(before.1), confirmed(after.1));
            self.growth.change(Some(&holder.source), parts);
        }
    }

    pub(super) fn remove(&mut self, holder: &Holder) {
        let (first, growth) = holder.bytes();
        self.first.remove(holder.offerer(), holder.part(first));
        self.growth.remove(Some(&holder.source), confirmed(growth));
        self.bodies.remove(holder.offerer(), holder.part(1));
    }
}

impl BindingAccounts {
    pub(super) const fn new(limits: &BudgetLimits) -> Self {
        Self {
            bodies: shares(limits.bodies_per_binding),
            places: shares(limits.places),
            packets: shares(limits.packets),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bodies.is_empty() && self.places.is_empty() && self.packets.is_empty()
    }

    pub(super) fn add(&mut self, holder: &Holder) {
        for (account, amount) in self.each() {
            account.add(holder.offerer(), holder.part(amount(holder)));
        }
    }

    pub(super) fn change(&mut self, from: &Holder, to: &Holder) {
        for (account, amount) in self.each() {
            let parts = (from.part(amount(from)), to.part(amount(to)));
            account.change(to.offerer(), parts);
        }
    }

    pub(super) fn remove(&mut self, holder: &Holder) {
        for (account, amount) in self.each() {
            account.remove(holder.offerer(), holder.part(amount(holder)));
        }
    }

    /// Returns each account, with what a body holds of it.
    fn each(&mut self) -> [(&mut Shares, Amount); 3] {
        [
            (&mut self.bodies, |_| 1),
            (&mut self.places, |holder| u64::from(holder.waits)),
            (&mut self.packets, |holder| if holder.waits { holder.packet } else { 0 }),
        ]
    }
}

impl Holder {
    const fn part(&self, amount: u64) -> Part {
        Part { amount, confirmed: self.confirmed }
    }
}

/// Returns a part that is confirmed: only confirmed bodies grow.
const fn confirmed(amount: u64) -> Part {
    Part { amount, confirmed: true }
}
