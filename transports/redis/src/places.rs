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
pub(crate) struct Places {
    known: RwLock<Known>,
    /// How often something that was permitted may have ceased to be.
    changes: AtomicU64,
    inboxes: Mutex<Allowance>,
}

#[derive(Default)]
struct Known {
    /// How often it was all forgotten.
    generation: u64,
    permitted: HashSet<Box<str>>,
    /// Channels in them that were not.
    suspects: HashSet<Box<str>>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            known: RwLock::default(),
            changes: AtomicU64::new(0),
            inboxes: Mutex::new(Allowance::new(Instant::now())),
        }
    }

    /// `None` where a publish is known to be permitted; else the generation of this answer.
    pub(crate) fn is_unknown(&self, place: &str, channel: &str) -> Option<u64> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let permitted = known.permitted.contains(place)
            && (known.suspects.is_empty() || !known.suspects.contains(channel));
        (!permitted).then_some(known.generation)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Whether an inbox may be asked for. Peers choose the inboxes that are answered to, so few are.
    pub(crate) fn may_ask_for_inbox(&self) -> bool {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }

    /// Whether [`may_ask_for_inbox`](Self::may_ask_for_inbox) would say yes.
    pub(crate) fn could_ask_for_inbox(&self) -> bool {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).has_any(Instant::now())
    }

    /// Remembers that a publish was permitted, unless that may have changed since.
    pub(crate) fn permit(&self, generation: u64, place: &str, channel: &str) {
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
    pub(crate) fn suspect(&self, channel: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.suspects.len() >= MOST {
            known.suspects.clear();
        }
        known.suspects.insert(channel.into());
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// There is another connection: to another server, or to one with other rules.
    pub(crate) fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { generation: known.generation + 1, ..Known::default() };
        self.changes.fetch_add(1, Ordering::Release);
    }
}
