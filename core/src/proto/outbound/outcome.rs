use super::{GroupLane, Outbound, Peer, PeerState, PlainLane};
use crate::{
    address::Target,
    proto::{Reason, frame::Receiver},
};

/// What became of a body, once nothing more can become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everyone who took part or wanted to.
    pub deliveries: Vec<Delivery>,
    /// What the group did.
    pub group: GroupOutcome,
    /// It was offered to the plain bindings, and neither they nor the broker answered.
    pub silent: bool,
    /// Why it was ended before its end, if it was.
    pub aborted: Option<Reason>,
}

/// What became of a body at one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Who.
    pub receiver: Receiver,
    /// How it was offered.
    pub target: Target,
    /// It may have been confirmed, so that its handler may have started.
    pub confirmed: bool,
    /// It has everything, or why not.
    pub result: Result<(), Reason>,
}

/// What the group did with an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupOutcome {
    /// It was not asked, or not to the end.
    NotAsked,
    /// It has no members.
    Empty,
    /// Nobody answered.
    Silent,
    /// It refused until there was no time left.
    Refused(Reason),
    /// A member took it.
    Accepted(Receiver),
}

impl Outbound {
    /// Whether a receiver may have been confirmed: else no handler has started, and once it is
    /// aborted none will.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.peers.values().any(Peer::is_confirmed)
    }

    /// The same of a receiver that was offered it this way.
    #[must_use]
    pub fn is_confirmed_at(&self, target: Target) -> bool {
        self.peers.values().any(|peer| peer.target == target && peer.is_confirmed())
    }

    /// What became of the body, once that is certain: nobody can join any more, and everyone who
    /// took part has the whole body or has failed.
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
            deliveries.push(Delivery { receiver, target, confirmed, result });
        }
        let group = match (group, &self.refusal) {
            // Who refused has left, and nobody else is there.
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
