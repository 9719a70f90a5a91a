//! What can be asked of the receiving half.

use super::{Inbound, Phase};
use crate::proto::Reason;

impl Inbound {
    /// Whether it can be forgotten: it has ended, and all is said.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.is_live() && !self.due
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// Whether the sender still has to say if the handler may start.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.phase == Phase::Offered
    }

    /// Whether [`read`](Self::read) has something other than `Pending`.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        match self.phase {
            Phase::Offered => false,
            Phase::Open => self.body.is_readable(),
            Phase::Done | Phase::Reset(_) | Phase::Stopped(_) => true,
        }
    }

    /// Whether the sender has confirmed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Whether it was offered, and no handler has got its message.
    #[must_use]
    pub fn is_unstarted(&self) -> bool {
        !self.started
    }

    /// Why the body will never be whole, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&Reason> {
        match &self.phase {
            Phase::Reset(reason) | Phase::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// The bytes that it charges to the budget.
    #[must_use]
    pub fn charge(&self) -> u64 {
        self.charge
    }
}
