//! The state of an offer to the plain bindings and to the group.

use std::time::Instant;

use super::OutboundLimits;
use crate::{
    address::Target,
    proto::{Reason, clock::later, frame::Receiver},
};

/// The plain bindings: any number of them may join within the join window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainLane {
    /// The offer has to be published.
    Offering,
    /// The offer is on its way to the broker.
    Sending,
    /// The offer was published, and receivers may join until this time.
    Joining(Instant),
    /// The join window has passed without an answer: the first answer until this time opens it
    /// again.
    Waiting(Instant),
    /// Neither a receiver nor the broker answered.
    Silent,
    /// No further receiver can join, or the body was never offered to them.
    Closed,
}

/// The group: at most one member takes the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GroupLane {
    /// The offer has to be published. The first offer of this attempt was at `since`, if there was
    /// one.
    Offering { since: Option<Instant> },
    /// The offer is on its way to the broker.
    Sending { since: Option<Instant> },
    /// The offer was published, and is published again at `again` without an answer.
    Offered { since: Instant, again: Instant },
    /// The offer was refused, and is published again at `until`.
    Backoff { until: Instant },
    /// A member has accepted.
    Accepted(Receiver),
    /// The body was never offered to the group.
    Absent,
    /// The group has no members.
    Empty,
    /// There was no answer.
    Silent,
    /// The group refused until there was no time left.
    Refused(Reason),
}

impl PlainLane {
    pub(super) fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Silent)
    }

    /// Closes the lane: no further receiver can join. Has no effect if it is closed already.
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

    /// Handles the timers that are due. If no receiver was `found`, answers may still be on their
    /// way.
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

    /// Notes that a receiver has joined, of the plain bindings or of the group.
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
    /// Returns whether a member may still take the message.
    pub(super) fn is_open(&self) -> bool {
        self.is_asked() || matches!(self, Self::Backoff { .. })
    }

    /// Returns whether an offer is published, or about to be.
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
