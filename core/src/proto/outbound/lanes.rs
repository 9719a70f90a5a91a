//! How an offer fares with the plain bindings and with the group.

use std::time::Instant;

use super::OutboundLimits;
use crate::{
    address::Target,
    proto::{Reason, clock::later, frame::Receiver},
};

/// The plain bindings: any number of them may join until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainLane {
    /// It has to be offered.
    Offering,
    /// The offer is on its way to the broker.
    Sending,
    /// It was offered, and receivers may join until then.
    Joining(Instant),
    /// The join window has passed, but nobody has answered: the first to do so by then opens it
    /// again.
    Waiting(Instant),
    /// Nobody answered, neither a receiver nor the broker.
    Silent,
    /// Nobody can join any more, or it was never offered to them.
    Closed,
}

/// The group: one member takes it, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GroupLane {
    /// It has to be offered. The first offer of this attempt was at `since`, if there was one.
    Offering { since: Option<Instant> },
    /// The offer is on its way to the broker.
    Sending { since: Option<Instant> },
    /// It was offered, and will be again at `again` if nobody answers.
    Offered { since: Instant, again: Instant },
    /// It was refused, and will be offered again at `until`.
    Backoff { until: Instant },
    /// A member has it.
    Accepted(Receiver),
    /// It was never offered to the group.
    Absent,
    /// The group has no members.
    Empty,
    /// Nobody answered.
    Silent,
    /// It was refused until there was no time left.
    Refused(Reason),
}

impl PlainLane {
    pub(super) fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Silent)
    }

    /// Nobody can join any more. Harmless where that was so already.
    pub(super) fn close(&mut self) {
        if self.is_open() {
            *self = Self::Closed;
        }
    }

    pub(super) fn next_timeout(self) -> Option<Instant> {
        match self {
            Self::Joining(until) | Self::Waiting(until) => Some(until),
            Self::Offering | Self::Sending | Self::Closed | Self::Silent => None,
        }
    }

    /// Time has passed. Where nobody was `found`, it may be the answers that take long.
    pub(super) fn handle_timeout(&mut self, now: Instant, found: bool, limits: &OutboundLimits) {
        if let Self::Joining(until) = *self
            && now >= until
        {
            let rest = limits.answer.saturating_sub(limits.join);
            *self = if found { Self::Closed } else { Self::Waiting(later(until, rest)) };
        }
        if matches!(*self, Self::Waiting(until) if now >= until) {
            *self = Self::Silent;
        }
    }

    /// A receiver takes part, of the plain bindings or of the group.
    pub(super) fn handle_found(&mut self, now: Instant, target: Target, limits: &OutboundLimits) {
        if matches!(self, Self::Waiting(_)) {
            *self = match target {
                Target::Plain => Self::Joining(later(now, limits.join)),
                Target::Group => Self::Closed,
            };
        }
    }
}

impl GroupLane {
    /// Whether a member may still take it.
    pub(super) fn is_open(&self) -> bool {
        self.is_asked() || matches!(self, Self::Backoff { .. })
    }

    /// Whether an offer is out or about to be.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Self::Offering { .. } | Self::Sending { .. } | Self::Offered { .. })
    }

    pub(super) fn next_timeout(&self, limits: &OutboundLimits) -> Option<Instant> {
        match self {
            Self::Offered { since, again } => Some((*again).min(later(*since, limits.answer))),
            Self::Backoff { until } => Some(*until),
            _ => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, limits: &OutboundLimits) {
        match self {
            Self::Offered { since, .. } if now >= later(*since, limits.answer) => {
                *self = Self::Silent;
            }
            Self::Offered { since, again } if now >= *again => {
                *self = Self::Offering { since: Some(*since) };
            }
            Self::Backoff { until } if now >= *until => {
                *self = Self::Offering { since: None };
            }
            _ => {}
        }
    }
}
