//! The same seed is the same run, in whatever process.

use std::{env, process::Command};

use conduit_sim::Sim;

use crate::faults;

/// What a run did: how often tasks ran and in which order, and how much time passed.
fn traces() -> String {
    let trace = |seed| {
        let sim = Sim::new(seed);
        sim.block_on(faults::everything(&sim)).expect("nothing is wrong");
        format!("{:x}@{:?}", sim.trace(), sim.elapsed())
    };
    (0..5).map(trace).collect::<Vec<_>>().join(" ")
}

/// Run by the test below, in another process.
#[test]
fn print_traces() {
    println!("traces: {}", traces());
}

#[test]
fn two_processes_run_a_seed_alike() {
    let run = || {
        let program = env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.args(["--exact", "replay::print_traces", "--nocapture"]);
        let output = command.output().expect("this program runs");
        let text = String::from_utf8(output.stdout).expect("it prints text");
        let at = text.find("traces: ").expect("it prints its traces");
        text[at..].lines().next().unwrap_or_default().to_owned()
    };
    let first = run();
    assert_eq!(first.split_whitespace().count(), 6, "{first}");
    assert_eq!(first, run());
    assert_eq!(first, format!("traces: {}", traces()));
}
