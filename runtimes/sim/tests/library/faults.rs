//! Random work under random faults.

use std::{error::Error, panic, sync::Arc, sync::Once, time::Duration};

use conduit_memory::{Delay, FaultPlan, Faults};
use conduit_sim::{Sim, check};
use fastrand::Rng;

use crate::{
    chaos::{self, Trouble},
    oracle::Oracle,
    plan::{Limits, Op},
    senders,
    world::World,
};

/// What goes wrong in a run.
struct Profile {
    /// Nothing is refused, given up or broken on purpose: all has to succeed.
    calm: bool,
    /// How many packets are lost, at most.
    loss: f64,
    /// How many frames of streams come twice, or late, at most.
    disorder: f64,
    delay: Duration,
    trouble: &'static [Trouble],
}

const CALM: Profile =
    Profile { calm: true, loss: 0.0, disorder: 0.0, delay: Duration::ZERO, trouble: &[] };

const SLOW: Profile = Profile {
    // Ten times that, there and back, is within the join window.
    delay: Duration::from_millis(10),
    ..CALM
};

const LOSSY: Profile = Profile {
    calm: false,
    loss: 0.3,
    disorder: 0.2,
    delay: Duration::from_millis(20),
    trouble: &[],
};

const BREAKING: Profile = Profile {
    calm: false,
    trouble: &[Trouble::Disconnect, Trouble::Cut, Trouble::Restart],
    ..CALM
};

const EVERYTHING: Profile = Profile {
    calm: false,
    loss: 0.1,
    disorder: 0.1,
    delay: Duration::from_millis(5),
    trouble: &[
        Trouble::Disconnect,
        Trouble::Cut,
        Trouble::Restart,
        Trouble::Freeze,
        Trouble::Freeze,
        Trouble::Kill,
    ],
};

#[test]
fn all_is_well_without_faults() {
    run(200, &CALM);
}

#[test]
fn all_is_well_over_a_slow_network() {
    run(100, &SLOW);
}

#[test]
fn bodies_are_whole_or_fail_where_packets_are_lost_repeated_and_late() {
    run(300, &LOSSY);
}

#[test]
fn bodies_survive_or_fail_where_connections_break() {
    run(200, &BREAKING);
}

#[test]
fn bodies_are_whole_or_fail_where_everything_breaks() {
    run(300, &EVERYTHING);
}

/// One run of the worst.
pub(crate) async fn everything(sim: &Sim) -> Result<(), Box<dyn Error>> {
    silence_planned_panics();
    live(sim, &EVERYTHING).await
}

fn run(count: u64, profile: &Profile) {
    silence_planned_panics();
    check(count, |sim| sim.block_on(live(sim, profile)));
}

async fn live(sim: &Sim, profile: &Profile) -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::with_seed(sim.random());
    let limits = if profile.calm { Limits::roomy(&mut rng) } else { Limits::tight(&mut rng) };
    let counts = [rng.usize(1..=3), rng.usize(1..=2)];
    let instances = counts.iter().sum();
    let ops = plan(&mut rng, instances, counts.len(), &limits, profile.calm);
    let freezes = profile.trouble.iter().any(|trouble| matches!(trouble, Trouble::Freeze));
    let calm = profile.calm.then(|| counts.to_vec());
    let oracle = Arc::new(Oracle::new(ops, limits, freezes, calm));
    let world = World::start(sim, &oracle, &mut rng, &counts).await?;
    world.broker.inject_faults(faults(sim, &mut rng, profile));

    let mut working = Vec::new();
    for (at, instance) in world.instances.iter().enumerate() {
        for task in 0..TASKS {
            let (conduit, oracle) = (instance.conduit.clone(), Arc::clone(&oracle));
            let sender = senders::run(sim.clone(), oracle, conduit, (at, task));
            working.push(instance.process.run(sender));
        }
    }
    chaos::make(sim, &world, &oracle, rng, profile.trouble).await;
    for sender in working {
        // One that was killed has nothing to say.
        sender.await;
    }
    world.broker.end_faults();
    // What is given up on both sides takes an idle limit, and its last words another.
    sim.sleep(Duration::from_secs(60)).await;
    oracle.verdict()?;
    let works =
        world.works(sim, &oracle.limits).await.map_err(|error| format!("afterwards: {error}"));
    if let Err(error) = works {
        oracle.wrong(error);
    }
    sim.sleep(Duration::from_secs(30)).await;
    if let Err(error) = world.is_clean() {
        oracle.wrong(error);
    }
    if let Err(error) = world.close(sim).await {
        oracle.wrong(error);
    }
    oracle.verdict()
}

const TASKS: usize = 2;

fn plan(rng: &mut Rng, instances: usize, services: usize, limits: &Limits, calm: bool) -> Vec<Op> {
    let count = rng.u64(4..=16);
    let mut ops: Vec<Op> = Vec::new();
    for id in 0..count {
        let from = (rng.usize(..instances), rng.usize(..TASKS));
        let mut op = Op::random(rng, id, from, services, limits, calm);
        op.sequence = id;
        ops.push(op);
    }
    ops
}

fn faults(sim: &Sim, rng: &mut Rng, profile: &Profile) -> FaultPlan {
    let delay = match (profile.delay.is_zero(), rng.u32(..3)) {
        (true, _) | (_, 0) => Delay::None,
        (_, 1) => Delay::Uniform(Duration::ZERO, profile.delay),
        _ => Delay::Exponential(profile.delay),
    };
    let loss = profile.loss * rng.f64() * rng.f64();
    let whole = Faults::new().drop(loss).delay(delay);
    let disorder = profile.disorder * rng.f64() * rng.f64();
    let streams = whole.clone().duplicate(disorder).reorder(disorder, profile.delay * 10);
    // A transport never repeats or reorders messages of one packet.
    FaultPlan::new(sim.clone(), rng.u64(..))
        .on(|_, packet| packet.get(1) == Some(&MESSAGE), whole)
        .on_the_rest(streams)
}

/// The type of a frame that holds a whole message.
const MESSAGE: u8 = 1;

fn silence_planned_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&"as planned") {
                usual(info);
            }
        }));
    });
}
