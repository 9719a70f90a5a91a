//! Limits how many bytes of messages may wait in a conduit.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::transport::MIN_PACKET_LEN;

/// How many bytes of one binding, or of one request, are not charged: so small messages that are
/// taken soon do not touch shared state.
pub(super) const UNCHARGED: u64 = MIN_PACKET_LEN as u64;

/// The bytes of all messages and replies of a conduit that wait to be taken, without streamed
/// bodies.
pub(crate) struct WaitingBytes {
    limit: u64,
    charged: AtomicU64,
}

/// The charge of one reply, until this is dropped.
#[derive(Default)]
pub(super) struct Charge(Option<(Arc<WaitingBytes>, u64)>);

impl WaitingBytes {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, charged: AtomicU64::new(0) }
    }

    pub(super) fn has_room(&self, bytes: u64) -> bool {
        bytes == 0 || self.charged.load(Ordering::Relaxed).saturating_add(bytes) <= self.limit
    }

    /// Charges bytes, if there is room for them. With `anyway` they are charged in any case: the
    /// first message of an empty queue has to be delivered.
    pub(super) fn charge(&self, bytes: u64, anyway: bool) -> bool {
        if bytes == 0 {
            return true;
        }
        let add = |before: u64| {
            let after = before.saturating_add(bytes);
            (anyway || after <= self.limit).then_some(after)
        };
        self.charged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    pub(super) fn give_back(&self, bytes: u64) {
        if bytes > 0 {
            self.charged.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Charge {
    /// Charges the bytes of a reply, if there is room for them.
    pub(super) fn new(of: &Arc<WaitingBytes>, bytes: u64, anyway: bool) -> Option<Self> {
        of.charge(bytes, anyway).then(|| Self(Some((Arc::clone(of), bytes))))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some((of, bytes)) = &self.0 {
            of.give_back(*bytes);
        }
    }
}
