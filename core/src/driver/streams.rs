//! The open bodies, and the last words on those that have ended.

mod admission;
mod drive;
mod inbound;
mod last_words;
mod outbound;
mod receivers;
mod senders;
mod stall;
mod turns;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub(super) use self::{
    admission::OfferQueue,
    inbound::{Port, Readiness},
};
pub(crate) use self::{inbound::InboundStream, outbound::OutboundStream};
use self::{last_words::LastWords, turns::Turns};
use super::{expiring::Expiring, ground::Ground};
use crate::{
    ServiceName,
    lock::lock,
    proto::{Budget, Paths, ReasonCode, frame::StreamId},
};

pub(crate) struct Streams {
    ground: Arc<Ground>,
    budget: Arc<Mutex<Budget>>,
    inbound: Mutex<BTreeMap<(StreamId, Port), Arc<InboundStream>>>,
    outbound: Mutex<BTreeMap<StreamId, Arc<OutboundStream>>>,
    turns: Arc<Turns>,
    /// The last words on bodies that were received or refused.
    received: Mutex<LastWords>,
    /// The receiving services of bodies that were sent.
    sent: Mutex<Expiring<StreamId, ServiceName>>,
}

impl Streams {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        Self {
            budget: Arc::new(Mutex::new(Budget::new(
                ground.config.incoming(ground.transport.body_budget()),
            ))),
            turns: Arc::new(Turns::new(Paths::new(ground.config.paths()))),
            ground,
            inbound: Mutex::default(),
            outbound: Mutex::default(),
            received: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    /// Returns how many bytes incoming and outgoing bodies hold here.
    pub(crate) fn held(&self) -> (u64, u64) {
        let incoming = lock(&self.budget).used();
        let outbound = lock(&self.outbound);
        (incoming, outbound.values().map(|stream| stream.held()).sum())
    }

    /// Returns how long the outgoing bodies have waited for credit, those that still do included.
    pub(crate) fn stalled(&self) -> Duration {
        let now = self.ground.now();
        let outbound = lock(&self.outbound);
        let running: Duration = outbound.values().map(|stream| stream.stalled(now)).sum();
        self.ground.counters.stalled.get() + running
    }

    /// Returns how many incoming and outgoing bodies are open.
    pub(crate) fn open(&self) -> (usize, usize) {
        (lock(&self.inbound).len(), lock(&self.outbound).len())
    }

    /// Ends every open body.
    pub(super) fn end(&self) {
        let inbound: Vec<_> = lock(&self.inbound).values().cloned().collect();
        let outbound: Vec<_> = lock(&self.outbound).values().cloned().collect();
        for stream in inbound {
            stream.stop(ReasonCode::Closed.into());
        }
        for stream in outbound {
            stream.abort(ReasonCode::Closed.into());
        }
    }

    /// Returns when the last entry of a finished body expires, if there is one.
    pub(super) fn last_expiry(&self) -> Option<Instant> {
        let received = lock(&self.received).last_expiry();
        let sent = lock(&self.sent).last_expiry();
        received.into_iter().chain(sent).chain(self.turns.last_expiry()).max()
    }

    /// Removes the expired entries of finished bodies.
    pub(super) fn remove_expired(&self, now: Instant) {
        lock(&self.received).expire(now);
        lock(&self.sent).expire(now);
        self.turns.remove_expired(now);
    }
}
