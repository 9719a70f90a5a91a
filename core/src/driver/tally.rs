//! Counts messages, subject by subject.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{ErrorKind, lock::lock};

/// How many subjects are counted one by one. Peers and users choose names without end.
const MOST: usize = 100;

/// The counts of one subject, or of all that are not counted one by one.
#[derive(Default)]
pub(crate) struct Tally {
    begun: AtomicU64,
    done: AtomicU64,
    failed: Mutex<BTreeMap<ErrorKind, u64>>,
}

impl Tally {
    /// Counts a message that is sent, or that a binding has received.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message that was handled.
    pub(crate) fn finish(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure.
    pub(crate) fn fail(&self, kind: ErrorKind) {
        let mut failed = lock(&self.failed);
        *failed.entry(kind).or_default() += 1;
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> BTreeMap<ErrorKind, u64> {
        lock(&self.failed).clone()
    }

    fn is_empty(&self) -> bool {
        self.begun() == 0 && self.failed().is_empty()
    }
}

/// The counts of the first subjects, and of the rest together.
pub(crate) struct Tallies<K> {
    first: Mutex<BTreeMap<K, Arc<Tally>>>,
    rest: Arc<Tally>,
}

impl<K> Default for Tallies<K> {
    fn default() -> Self {
        Self { first: Mutex::default(), rest: Arc::default() }
    }
}

impl<K: Clone + Ord> Tallies<K> {
    pub(super) fn get(&self, key: &K) -> Arc<Tally> {
        let mut first = lock(&self.first);
        match first.get(key) {
            Some(tally) => Arc::clone(tally),
            None if first.len() < MOST => Arc::clone(first.entry(key.clone()).or_default()),
            None => Arc::clone(&self.rest),
        }
    }

    /// Returns those that count something.
    pub(crate) fn all(&self) -> Vec<(Option<K>, Arc<Tally>)> {
        let first = lock(&self.first);
        let first = first.iter().map(|(key, tally)| (Some(key.clone()), Arc::clone(tally)));
        let all: Vec<_> = first.chain([(None, Arc::clone(&self.rest))]).collect();
        all.into_iter().filter(|(_, tally)| !tally.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_counted_one_by_one_and_the_rest_together() {
        let tallies = Tallies::default();
        for _ in 0..2 {
            for key in 0..10 * MOST {
                tallies.get(&key).begin();
            }
        }
        tallies.get(&0).fail(ErrorKind::Lost);
        let all = tallies.all();
        assert_eq!(all.len(), MOST + 1);
        for (at, (key, tally)) in all.iter().enumerate() {
            assert_eq!(*key, (at < MOST).then_some(at));
            let each = if at < MOST { 2 } else { 2 * 9 * MOST as u64 };
            assert_eq!((tally.begun(), tally.done()), (each, 0));
        }
        assert_eq!(all[0].1.failed(), BTreeMap::from([(ErrorKind::Lost, 1)]));
    }
}
