//! What conduits hold when nothing goes on.

use std::time::Duration;

use conduit::{Conduit, Encoder, Stats};

use crate::{Broker, Guarantee, Violation, World};

/// What some conduits held before something was done, and have to hold again after it.
pub(crate) struct Quiet<'a, E>(Vec<(&'a Conduit<E>, Stats)>);

impl<'a, E: Encoder> Quiet<'a, E> {
    /// Notes what conduits hold once nothing moves in them any more.
    pub(crate) async fn of<B: Broker>(
        world: &World<B>,
        conduits: impl IntoIterator<Item = &'a Conduit<E>>,
    ) -> Result<Self, Violation> {
        let mut quiet = Self(conduits.into_iter().map(|c| (c, c.stats())).collect());
        for (conduit, stats) in &mut quiet.0 {
            let idle = || {
                *stats = conduit.stats();
                stats.incoming_bodies + stats.outgoing_bodies == 0
                    && stats.pending_requests + stats.open_requests == 0
            };
            world
                .eventually(Guarantee::Release, || "it does not become quiet".to_owned(), idle)
                .await?;
        }
        Ok(quiet)
    }

    /// Waits until they hold the same again.
    pub(crate) async fn returns<B: Broker>(&self, world: &World<B>) -> Result<(), Violation> {
        for (conduit, before) in &self.0 {
            let differs = || {
                let now = held(conduit.stats());
                format!("{} held {:?}, and holds {now:?}", conduit.name(), held(*before))
            };
            let released = || held(conduit.stats()) == held(*before);
            world.eventually(Guarantee::Release, differs, released).await?;
        }
        Ok(())
    }
}

/// Without what is only counted.
fn held(mut stats: Stats) -> Stats {
    stats.lost_messages = 0;
    stats.missed_messages = 0;
    stats.invalid_packets = 0;
    stats.outbox_dropped = 0;
    stats.waited_for_credit = Duration::ZERO;
    stats
}
