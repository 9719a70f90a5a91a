use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::allowance::Allowance;

/// How many places are remembered to be permitted, and channels not to be. Then all are forgotten,
/// and asked for again.
const MOST: usize = 4096;

/// Where publishing is known to be permitted.
///
/// A *place* is all subjects of a service, or all its inboxes, or its control address. The first
/// packet to a place waits for the server's answer; later ones do not, until a channel there is
/// denied.
///
/// ```
/// use std::time::Instant;
///
/// use conduit_kit::Places;
///
/// let places = Places::new(Instant::now());
/// let generation = places.is_unknown("shop.s", "shop.s.order").expect("nothing is known");
/// places.permit(generation, "shop.s", "shop.s.order");
/// assert_eq!(places.is_unknown("shop.s", "shop.s.other"), None);
/// places.suspect("shop.s.other");
/// assert!(places.is_unknown("shop.s", "shop.s.other").is_some());
/// ```
#[derive(Debug)]
pub struct Places {
    known: RwLock<Known>,
    /// How often something that was permitted may have ceased to be.
    changes: AtomicU64,
    inboxes: Mutex<Allowance>,
}

#[derive(Debug, Default)]
struct Known {
    /// How often it was all forgotten.
    generation: u64,
    permitted: HashSet<Box<str>>,
    /// Channels in them that were not.
    suspects: HashSet<Box<str>>,
}

impl Places {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            known: RwLock::default(),
            changes: AtomicU64::new(0),
            inboxes: Mutex::new(Allowance::new(now)),
        }
    }

    /// Returns `None` if a publish is known to be permitted; else the generation of this answer.
    #[must_use]
    pub fn is_unknown(&self, place: &str, channel: &str) -> Option<u64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let permitted = known.permitted.contains(place)
            && (known.suspects.is_empty() || !known.suspects.contains(channel));
        (!permitted).then_some(known.generation)
    }

    /// Returns how often something that was permitted may have ceased to be.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Returns whether an inbox may be asked for, and counts it. Peers choose the inboxes that are
    /// answered to, so few are.
    #[must_use]
    pub fn may_ask_for_inbox(&self, now: Instant) -> bool {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).take(now)
    }

    /// Returns whether [`may_ask_for_inbox`](Self::may_ask_for_inbox) would return true.
    #[must_use]
    pub fn could_ask_for_inbox(&self, now: Instant) -> bool {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).has_any(now)
    }

    /// Remembers that a publish was permitted, unless that may have changed since.
    pub fn permit(&self, generation: u64, place: &str, channel: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation {
            return;
        }
        known.suspects.remove(channel);
        if known.permitted.len() >= MOST {
            known.permitted.clear();
        }
        known.permitted.insert(place.into());
    }

    /// A channel was denied.
    pub fn suspect(&self, channel: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.suspects.len() >= MOST {
            known.suspects.clear();
        }
        known.suspects.insert(channel.into());
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// There is another connection: to another server, or to one with other rules.
    pub fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { generation: known.generation + 1, ..Known::default() };
        self.changes.fetch_add(1, Ordering::Release);
    }
}
