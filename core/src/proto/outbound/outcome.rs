use super::{GroupLane, Outbound, Peer, PeerState, PlainLane};
use crate::{
    Executed,
    address::Target,
    proto::{Reason, frame::Receiver},
};

/// The final outcome of sending a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The outcome at each receiver that answered the offer.
    pub deliveries: Vec<ReceiverOutcome>,
    /// The outcome at the group.
    pub group: GroupOutcome,
    /// It was offered to the plain bindings, and neither they nor the broker answered.
    pub silent: bool,
    /// Why it was aborted, if it was.
    pub aborted: Option<Reason>,
}

/// The outcome of a body at one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverOutcome {
    /// The receiver.
    pub receiver: Receiver,
    /// How it was offered.
    pub target: Target,
    /// It may have been confirmed, so that its handler may have started.
    pub confirmed: bool,
    /// `Ok` if it has the whole body, else the reason why not.
    pub result: Result<(), Reason>,
}

/// The outcome of an offer at the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It was not asked, or the body was aborted before it answered.
    NotAsked,
    /// It has no members.
    Empty,
    /// No member answered.
    Silent,
    /// It refused until there was no time left.
    Refused(Reason),
    /// A member took it.
    Accepted(Receiver),
}

impl ReceiverOutcome {
    /// Whether the handler was executed, as far as the sender of the body knows. The handler of a
    /// confirmed receiver may have been, even if the reason says otherwise: the receiver may have
    /// sent it before its Confirm arrived.
    #[must_use]
    pub fn executed(&self) -> Executed {
        match &self.result {
            _ if !self.confirmed => Executed::No,
            Ok(()) => Executed::Maybe,
            Err(reason) => reason.code.executed().max(Executed::Maybe),
        }
    }
}

impl Outbound {
    /// Returns whether a receiver may have been confirmed. If not, no handler has started, and once
    /// the body is aborted none will.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.peers.values().any(Peer::is_confirmed)
    }

    /// Returns the same for receivers that it was offered to as `target`.
    #[must_use]
    pub fn is_confirmed_at(&self, target: Target) -> bool {
        self.peers.values().any(|peer| peer.target == target && peer.is_confirmed())
    }

    /// Returns the outcome once it is final: no further receiver can join, and each has the whole
    /// body or has failed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let group = match &self.group {
            group if self.plain.is_open() || group.is_open() => return None,
            GroupLane::Empty => GroupOutcome::Empty,
            GroupLane::Silent => GroupOutcome::Silent,
            GroupLane::Refused(reason) => GroupOutcome::Refused(reason.clone()),
            GroupLane::Accepted(receiver) => GroupOutcome::Accepted(*receiver),
            _ => GroupOutcome::NotAsked,
        };
        let mut deliveries = Vec::new();
        for (&receiver, peer) in &self.peers {
            let result = match &peer.state {
                PeerState::Active => return None,
                PeerState::Declined => continue,
                PeerState::Done => Ok(()),
                PeerState::Failed(reason) => Err(reason.clone()),
            };
            let (target, confirmed) = (peer.target, peer.is_confirmed());
            deliveries.push(ReceiverOutcome { receiver, target, confirmed, result });
        }
        let group = match (group, &self.refusal) {
            // The member that refused has left, and there is no other.
            (GroupOutcome::Empty, Some(reason)) if deliveries.is_empty() => {
                GroupOutcome::Refused(reason.clone())
            }
            (group, _) => group,
        };
        Some(Outcome {
            deliveries,
            group,
            silent: self.plain == PlainLane::Silent,
            aborted: self.aborted.clone(),
        })
    }
}
