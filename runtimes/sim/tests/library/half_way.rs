//! Peers that stop half-way through a handshake, beside the work of a run.

use std::time::Duration;

use conduit::transport::Target;
use conduit_sim::Sim;
use fastrand::Rng;

use crate::{plan::Subject, stranger::Stranger, world::World};

/// How far a peer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HalfWay {
    /// It offers something, and confirms nothing.
    Offers,
    /// It confirms what it has offered, and sends nothing of it.
    Confirms,
    /// It takes what others offer, and says no more.
    Accepts,
}

/// The longest time for which one takes what is offered.
const LONGEST: u64 = 20_000;

/// Goes half-way, with or beside an instance, at some time.
pub(crate) fn go(
    sim: Sim,
    stranger: Stranger,
    world: &World,
    rng: &mut Rng,
    kinds: &[HalfWay],
) -> impl Future<Output = ()> + Send + use<> {
    let to = world.instances[rng.usize(..world.instances.len())].conduit.clone();
    let subject = [Subject::Note, Subject::Job, Subject::Both][rng.usize(..3)].name();
    let (kind, pause) = (kinds[rng.usize(..kinds.len())], Duration::from_millis(rng.u64(..5_000)));
    let (pings, time) = (rng.bool(), Duration::from_millis(rng.u64(..LONGEST)));
    let target = [Target::Plain, Target::Group][rng.usize(..2)];
    async move {
        sim.sleep(pause).await;
        match kind {
            HalfWay::Offers => stranger.offer(&sim, &to, subject, pings).await,
            HalfWay::Confirms => stranger.confirm(&sim, &to, subject, time).await,
            HalfWay::Accepts => stranger.accept(&sim, &to, subject, target, time).await,
        }
    }
}
