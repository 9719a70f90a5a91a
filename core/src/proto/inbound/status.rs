//! The status of the receiving half.

use super::{Inbound, InboundPhase};
use crate::proto::Reason;

impl Inbound {
    /// Returns whether it can be dropped: it has ended, and no packet is due.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.is_live() && !self.due
    }

    /// Returns whether [`poll_transmit`](Self::poll_transmit) has a packet.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// Returns whether the sender has yet to confirm, or abort.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.phase == InboundPhase::Offered
    }

    /// Returns whether [`read`](Self::read) would return something other than `Pending`.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        match self.phase {
            InboundPhase::Offered => false,
            InboundPhase::Open => self.body.is_readable(),
            InboundPhase::Done | InboundPhase::Reset(_) | InboundPhase::Stopped(_) => true,
        }
    }

    /// Returns whether the sender has confirmed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Returns whether it was offered, and no handler has its message yet.
    #[must_use]
    pub fn is_unstarted(&self) -> bool {
        !self.started
    }

    /// Returns why the body has failed, if it has.
    #[must_use]
    pub fn failure(&self) -> Option<&Reason> {
        match &self.phase {
            InboundPhase::Reset(reason) | InboundPhase::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// Returns the bytes that it charges to the budget.
    #[must_use]
    pub fn charge(&self) -> u64 {
        self.charge
    }
}
