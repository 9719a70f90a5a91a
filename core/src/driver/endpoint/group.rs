//! Whether a subject has a group.
//!
//! Of the messages of one packet, one member of the group takes all. So messages to a group do not
//! collect, or a short burst would reach few members. Whether there is a group is found out by a
//! Probe, to which the broker's notice is the answer.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::Endpoint;
use crate::{MessageId, driver::expiring::Expiring, lock::lock};

/// How long the absence of a group is relied on, in milliseconds.
const RELIED_ON: u64 = 1000;
/// How long after a Probe the next one is sent, in milliseconds.
const PROBE_AFTER: u64 = 500;

/// What is known of the group of an endpoint. Times are in milliseconds since the conduit was
/// created.
#[derive(Default)]
pub(in crate::driver) struct GroupAbsence {
    /// Until when it is known that there is no group.
    until: AtomicU64,
    /// When the next Probe may be sent.
    next_probe: AtomicU64,
}

/// Whether messages may collect at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::driver) struct MayCollect {
    /// There is no group.
    pub(in crate::driver) yes: bool,
    /// A Probe has to be sent.
    pub(in crate::driver) probe: bool,
}

impl GroupAbsence {
    /// Returns whether messages may collect. A Probe is due for one caller.
    pub(in crate::driver) fn may_collect(&self, now: u64) -> MayCollect {
        let next = self.next_probe.load(Ordering::Relaxed);
        let probe = now >= next
            && self
                .next_probe
                .compare_exchange(next, now + PROBE_AFTER, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        MayCollect { yes: now < self.until.load(Ordering::Relaxed), probe }
    }

    /// Notes that there was no group when a Probe was sent.
    fn absent(&self, probed: u64) {
        self.until.fetch_max(probed + RELIED_ON, Ordering::Relaxed);
    }
}

/// The Probes that may be answered by a notice.
#[derive(Default)]
pub(in crate::driver) struct GroupProbes(Mutex<Expiring<MessageId, (u64, Weak<Endpoint>)>>);

impl GroupProbes {
    /// Notes a Probe that is sent at `now`, which is `age` milliseconds after the conduit was created,
    /// and whose notice may arrive until another time.
    pub(in crate::driver) fn sent(
        &self,
        message: MessageId,
        endpoint: &Arc<Endpoint>,
        (now, age): (Instant, u64),
        until: Instant,
    ) {
        lock(&self.0).insert(now, until, message, (age, Arc::downgrade(endpoint)));
    }

    /// Handles the broker's notice that a Probe had no receiver.
    pub(in crate::driver) fn handle_undelivered(&self, now: Instant, message: MessageId) {
        let mut probes = lock(&self.0);
        let found = probes.get(now, &message).cloned();
        drop(probes);
        if let Some((probed, endpoint)) = found
            && let Some(endpoint) = endpoint.upgrade()
        {
            endpoint.group.absent(probed);
        }
    }

    /// Returns when the last Probe expires, if there is one.
    pub(in crate::driver) fn last_expiry(&self) -> Option<Instant> {
        lock(&self.0).last_expiry()
    }

    /// Removes expired Probes.
    pub(in crate::driver) fn remove_expired(&self, now: Instant) {
        lock(&self.0).expire(now);
    }
}
