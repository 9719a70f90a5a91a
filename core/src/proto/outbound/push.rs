//! Takes bytes from the producer of a body.

use super::{GroupLane, Outbound, Peer};
use crate::proto::Reason;

impl Outbound {
    /// Returns how many bytes may be pushed now.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let idle = !self.peers.values().any(Peer::is_active);
        if self.ended || idle || self.chunks.count() >= self.limits.chunks {
            return 0;
        }
        usize::try_from(self.limits.window.saturating_sub(self.chunks.held())).unwrap_or(usize::MAX)
    }

    /// Adds the next bytes of the producer.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.ended && !bytes.is_empty() {
            self.chunks.push(bytes);
        }
    }

    /// Notes that the producer has ended.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// Aborts the body: the producer failed, or the sender gave up.
    pub fn abort(&mut self, reason: Reason) {
        if self.aborted.is_some() || self.outcome().is_some() {
            return;
        }
        self.ended = true;
        for peer in self.peers.values_mut() {
            peer.fail(reason.clone(), true);
        }
        self.plain.close();
        if self.group.is_open() {
            self.group = GroupLane::Absent;
        }
        self.aborted = Some(reason);
        self.chunks.clear();
    }

    /// Returns whether bytes wait for credit: a receiver lacks some that it has not granted.
    #[must_use]
    pub fn lacks_credit(&self) -> bool {
        let written = self.chunks.written();
        let stalls = |peer: &Peer| peer.sent < written && peer.credit() <= peer.sent;
        self.peers.values().any(|peer| peer.takes_data() && stalls(peer))
    }

    /// Returns the number of buffered bytes.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.chunks.held()
    }
}
