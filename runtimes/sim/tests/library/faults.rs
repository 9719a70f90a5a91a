//! Random work under random faults.

use std::{error::Error, panic, sync::Arc, sync::Once, time::Duration};

use conduit::Runtime;
use conduit_sim::{Sim, check};
use fastrand::Rng;

use crate::{
    chaos, half_way,
    limits::Limits,
    oracle::Oracle,
    plan::{Op, TASKS},
    profiles::{
        BREAKING, CALM, DAMAGING, EVERYTHING, GAPS, LEAVING, LOSSY, Profile, RELIABLE, SLOW,
    },
    senders,
    stranger::Stranger,
    world::World,
};

#[test]
fn all_is_well_without_faults() {
    run(150, &CALM);
}

#[test]
fn all_is_well_over_a_slow_network() {
    run(100, &SLOW);
}

#[test]
fn all_is_well_where_what_is_repeated_gets_lost() {
    run(150, &GAPS);
}

#[test]
fn nobody_waits_for_those_who_stall_or_give_up() {
    run(250, &RELIABLE);
}

#[test]
fn an_instance_that_leaves_loses_no_work_of_its_group() {
    run(150, &LEAVING);
}

#[test]
fn bodies_are_whole_or_fail_where_packets_are_lost_repeated_and_late() {
    run(250, &LOSSY);
}

#[test]
fn bodies_are_whole_or_fail_where_bytes_are_damaged() {
    run(150, &DAMAGING);
}

#[test]
fn bodies_survive_or_fail_where_connections_break() {
    run(200, &BREAKING);
}

#[test]
fn bodies_are_whole_or_fail_where_everything_breaks() {
    run(250, &EVERYTHING);
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
    let network = profile.network();
    let is_roomy = network.calm || network.leaves;
    let limits = if is_roomy { Limits::roomy(&mut rng) } else { Limits::tight(&mut rng) };
    let counts = [rng.usize(1..=3), rng.usize(1..=2)];
    let ops = plan(&mut rng, profile, &counts, &limits);
    let oracle = Arc::new(Oracle::new(ops, limits, network, counts.to_vec()));
    let world = World::start(sim, &oracle, &mut rng, &counts).await?;
    world.broker.inject_faults(profile.faults(sim, &mut rng));

    for number in 0..rng.u8(..4) {
        let stranger = Stranger::new(&world.broker, number);
        let going = half_way::go(sim.clone(), stranger, &world, &mut rng, profile.half_way);
        sim.process().spawn(Box::pin(going));
    }
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
    // What is given up on both sides takes an idle limit, its last words another, and a reader that
    // stalls does not notice before.
    sim.sleep(Duration::from_secs(120)).await;
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

fn plan(rng: &mut Rng, profile: &Profile, counts: &[usize], limits: &Limits) -> Vec<Op> {
    let (instances, services) = (counts.iter().sum::<usize>(), counts.len());
    let count = rng.u64(4..=profile.most);
    let mut ops: Vec<Op> = Vec::new();
    for id in 0..count {
        let from = (rng.usize(..instances), rng.usize(..TASKS));
        let mut random = || Op::random(rng, id, from, services, limits, profile.calm);
        let mut op = match id {
            0 => std::iter::repeat_with(random).find_map(Op::beside_a_group).expect("it goes on"),
            _ => random(),
        };
        op.sequence = id;
        ops.push(op);
    }
    ops
}

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
