use std::{
    collections::{BTreeMap, VecDeque},
    ops::RangeBounds,
    time::Instant,
};

/// Entries of finished things, bounded in number, each kept until a time.
pub(super) struct Expiring<K, V> {
    known: BTreeMap<K, V>,
    expiry: VecDeque<(Instant, K)>,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), expiry: VecDeque::new() }
    }
}

impl<K: Ord + Clone, V> Expiring<K, V> {
    const MOST: usize = 1 << 16;

    /// Inserts an entry that expires at `until`. These times have to be in order.
    pub(super) fn insert(&mut self, now: Instant, until: Instant, key: K, value: V) {
        self.expire(now);
        if self.known.len() >= Self::MOST {
            self.forget_oldest();
        }
        if self.known.insert(key.clone(), value).is_none() {
            self.expiry.push_back((until, key));
        }
    }

    pub(super) fn get(&mut self, now: Instant, key: &K) -> Option<&V> {
        self.expire(now);
        self.known.get(key)
    }

    pub(super) fn range(
        &mut self,
        now: Instant,
        keys: impl RangeBounds<K>,
    ) -> impl Iterator<Item = &V> {
        self.expire(now);
        self.known.range(keys).map(|(_, value)| value)
    }

    /// Returns when the last entry expires, if there is one.
    pub(super) fn last_expiry(&self) -> Option<Instant> {
        self.expiry.back().map(|(until, _)| *until)
    }

    /// Removes expired entries, and frees their memory.
    pub(super) fn expire(&mut self, now: Instant) {
        const KEPT: usize = 64;
        while self.expiry.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        let few = self.expiry.len().max(KEPT);
        if self.expiry.capacity() / 4 > few {
            self.expiry.shrink_to(2 * few);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.expiry.pop_front() {
            self.known.remove(&key);
        }
    }
}
