//! What goes wrong, and when.

use std::time::Duration;

use conduit_sim::Sim;
use fastrand::Rng;

use crate::{oracle::Oracle, world::World};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// A connection breaks.
    Disconnect,
    /// Packets of an instance get lost.
    Cut,
    /// The broker restarts.
    Restart,
    /// An instance stands still.
    Freeze,
    /// An instance dies.
    Kill,
    /// An instance ends its work and leaves.
    Drain,
}

/// Makes trouble for about ten seconds, and ends all of it but the dead.
pub(crate) async fn make(
    sim: &Sim,
    world: &World,
    oracle: &Oracle,
    mut rng: Rng,
    kinds: &[Trouble],
) {
    let mut left: Vec<_> = kinds.to_vec();
    rng.shuffle(&mut left);
    for trouble in left {
        sim.sleep(millis(&mut rng, 4_000)).await;
        let at = rng.usize(..world.instances.len());
        let victim = &world.instances[at];
        // Some is short, and some longer than anybody waits.
        let longest = [100, 2_000, 25_000][rng.usize(..3)];
        let time = millis(&mut rng, longest);
        oracle.log(|| {
            let name = victim.conduit.instance();
            format!("{:?} {trouble:?} of {name} for {time:?}", sim.elapsed())
        });
        match trouble {
            Trouble::Disconnect => {
                victim.link.disconnect();
                sim.sleep(time).await;
                victim.link.reconnect();
            }
            Trouble::Cut => {
                victim.link.cut();
                sim.sleep(time).await;
                victim.link.heal();
            }
            Trouble::Restart => {
                world.broker.stop_broker();
                victim.link.disconnect();
                sim.sleep(time).await;
                world.broker.start_broker();
                // One is back later than the others.
                sim.sleep(millis(&mut rng, 500)).await;
                victim.link.reconnect();
            }
            Trouble::Freeze => {
                victim.process.freeze();
                sim.sleep(time).await;
                victim.process.thaw();
            }
            Trouble::Kill => victim.process.kill(),
            Trouble::Drain => {
                oracle.leaves(at, victim.service);
                victim.drain(sim, oracle, time).await;
            }
        }
        oracle.log(|| format!("{:?} over", sim.elapsed()));
    }
}

fn millis(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.u64(..=most))
}
