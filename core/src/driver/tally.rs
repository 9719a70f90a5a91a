//! Counts messages.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{ErrorKind, lock::lock};

/// How many subjects are counted one by one. Peers and users choose names without end.
const MOST: usize = 100;

/// The counts of one binding, of one subject, or of all subjects that are not counted one by one.
#[derive(Default)]
pub(crate) struct Tally {
    begun: Counter,
    /// Messages that a handler has taken.
    started: Counter,
    /// Messages that a reader has taken.
    read: Counter,
    done: Counter,
    /// Failures of handlers.
    broken: Counter,
    /// Bytes of bodies that have arrived in one packet, and of others.
    bytes: Counter,
    streamed: Counter,
    requests: Counter,
    micros: Counter,
    longest: AtomicU64,
    failed: Mutex<BTreeMap<ErrorKind, u64>>,
    /// The failure of the last handler that failed.
    last: Mutex<Option<ErrorKind>>,
}

/// What a [`Tally`] has counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Messages that are sent, or that a binding has received.
    pub(crate) begun: u64,
    /// Messages that a handler has taken.
    pub(crate) started: u64,
    /// Messages that a reader has taken.
    pub(crate) read: u64,
    /// Messages whose handlers have ended without an error.
    pub(crate) done: u64,
    /// Messages whose handlers have failed.
    pub(crate) broken: u64,
    /// Bytes of bodies that have arrived.
    pub(crate) bytes: u64,
    /// Requests whose handlers have ended.
    pub(crate) requests: u64,
    /// Microseconds that their handlers took.
    pub(crate) micros: u64,
    /// Microseconds that the slowest of them took.
    pub(crate) longest: u64,
    pub(crate) failed: BTreeMap<ErrorKind, u64>,
    /// The failure of the last handler that failed.
    pub(crate) last: Option<ErrorKind>,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Like [`add`](Self::add), without a locked instruction. Nothing else may change it meanwhile.
    fn add_alone(&self, count: u64) {
        self.0.store(self.get().wrapping_add(count), Ordering::Relaxed);
    }

    pub(crate) fn take_back(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// Counts a message that is sent.
    #[inline]
    pub(super) fn send(&self) {
        self.begun.add(1);
    }

    /// Counts a message that a binding has received, with the bytes of its body that have arrived.
    /// Called by the task or reader that polls the subscription.
    pub(super) fn arrive(&self, bytes: usize) {
        self.begun.add_alone(1);
        self.bytes.add_alone(bytes as u64);
    }

    /// Takes a message back that was counted.
    pub(super) fn take_back(&self, bytes: usize) {
        self.begun.take_back(1);
        self.bytes.take_back(bytes as u64);
    }

    /// Counts bytes of a streamed body that have arrived.
    pub(super) fn receive(&self, bytes: usize) {
        self.streamed.add(bytes as u64);
    }

    /// Counts a message that a handler takes.
    pub(crate) fn start(&self) {
        self.started.add(1);
    }

    /// Counts a message that the reader took, which says nothing of how it is handled.
    pub(crate) fn read(&self) {
        self.read.add_alone(1);
    }

    /// Counts a message that was handled.
    pub(crate) fn finish(&self) {
        self.done.add(1);
    }

    /// Counts a request whose handler has ended.
    pub(crate) fn time(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.requests.add(1);
        self.micros.add(micros);
        self.longest.fetch_max(micros, Ordering::Relaxed);
    }

    /// Counts a failure of a handler.
    pub(crate) fn break_off(&self, kind: ErrorKind) {
        self.broken.add(1);
        *lock(&self.last) = Some(kind);
        self.fail(kind);
    }

    /// Counts a message that a layer has refused when a handler was about to take it.
    pub(crate) fn refuse(&self, kind: ErrorKind) {
        self.started.take_back(1);
        self.fail(kind);
    }

    /// Counts a failure.
    pub(crate) fn fail(&self, kind: ErrorKind) {
        let mut failed = lock(&self.failed);
        *failed.entry(kind).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            // First what comes last, so that no message has ended that has not started.
            done: self.done.get(),
            broken: self.broken.get(),
            read: self.read.get(),
            requests: self.requests.get(),
            micros: self.micros.get(),
            longest: self.longest.load(Ordering::Relaxed),
            started: self.started.get(),
            begun: self.begun.get(),
            bytes: self.bytes.get() + self.streamed.get(),
            failed: lock(&self.failed).clone(),
            last: *lock(&self.last),
        }
    }

    /// Adds what another one has counted.
    pub(super) fn add(&self, counts: &Counts) {
        self.begun.add(counts.begun);
        self.started.add(counts.started);
        self.read.add(counts.read);
        self.done.add(counts.done);
        self.broken.add(counts.broken);
        self.bytes.add(counts.bytes);
        self.requests.add(counts.requests);
        self.micros.add(counts.micros);
        self.longest.fetch_max(counts.longest, Ordering::Relaxed);
        let mut failed = lock(&self.failed);
        for (kind, count) in &counts.failed {
            *failed.entry(*kind).or_default() += count;
        }
    }
}

impl Counts {
    /// Returns how many messages a handler or a reader has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.started + self.read
    }

    /// Returns how many handlers run.
    pub(crate) fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.done + self.broken)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.begun == 0 && self.failed.is_empty()
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

    /// Returns all, the rest last.
    pub(crate) fn all(&self) -> Vec<(Option<K>, Arc<Tally>)> {
        let first = lock(&self.first);
        let first = first.iter().map(|(key, tally)| (Some(key.clone()), Arc::clone(tally)));
        first.chain([(None, Arc::clone(&self.rest))]).collect()
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
                tallies.get(&key).send();
            }
        }
        tallies.get(&0).fail(ErrorKind::Lost);
        let all = tallies.all();
        assert_eq!(all.len(), MOST + 1);
        for (at, (key, tally)) in all.iter().enumerate() {
            assert_eq!(*key, (at < MOST).then_some(at));
            let each = if at < MOST { 2 } else { 2 * 9 * MOST as u64 };
            let counts = tally.counts();
            assert_eq!((counts.begun, counts.done), (each, 0));
        }
        assert_eq!(all[0].1.counts().failed, BTreeMap::from([(ErrorKind::Lost, 1)]));
    }
}
