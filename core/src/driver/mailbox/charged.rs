use crate::{
    driver::{
        Arrival,
        waiting::{UNCHARGED, WaitingBytes},
    },
    proto::{Label, Place, Queue},
};

/// A queue that charges its bytes to the conduit.
pub(super) struct ChargedQueue {
    queue: Queue<Arrival>,
    charged: u64,
}

impl ChargedQueue {
    pub(super) fn new(queue: Queue<Arrival>) -> Self {
        Self { queue, charged: 0 }
    }

    /// Returns the queue, for reading.
    pub(super) fn get(&self) -> &Queue<Arrival> {
        &self.queue
    }

    pub(super) fn has_room(&self, budget: &WaitingBytes, bytes: u64) -> bool {
        let fits = self.queue.is_empty() || budget.has_room(self.growth(bytes));
        fits && self.queue.has_room(bytes)
    }

    pub(super) fn push(
        &mut self,
        budget: &WaitingBytes,
        label: Label,
        arrival: Arrival,
    ) -> Result<Place, Arrival> {
        let growth = self.growth(label.bytes);
        if !self.queue.has_room(label.bytes) || !budget.charge(growth, self.queue.is_empty()) {
            return Err(arrival);
        }
        self.charged += growth;
        self.queue.push(label, arrival)
    }

    /// Changes the queue by removing messages, and adjusts the charge.
    pub(super) fn change<T>(
        &mut self,
        budget: &WaitingBytes,
        change: impl FnOnce(&mut Queue<Arrival>) -> T,
    ) -> T {
        let changed = change(&mut self.queue);
        let needed = self.queue.bytes().saturating_sub(UNCHARGED);
        budget.give_back(self.charged.saturating_sub(needed));
        self.charged = self.charged.min(needed);
        changed
    }

    /// Returns how much more it would charge with `bytes` more.
    fn growth(&self, bytes: u64) -> u64 {
        self.queue.bytes().saturating_add(bytes).saturating_sub(UNCHARGED) - self.charged
    }
}
