//! The oracle bites: whatever bug is planted in the library, a test of the simulation finds it.
//!
//! The bugs are [edits](bugs) of a [copy](copy) of the sources. One that does not apply any more
//! fails the test.

mod bugs;
mod copy;

use std::{
    process::{Command, Output},
    sync::Mutex,
    thread,
};

use self::{
    bugs::{BUGS, Bug},
    copy::Copy,
};

/// Runs so many seeds of tests.
fn run(mut command: Command, seeds: u32, tests: &[&str]) -> Output {
    command.args(["--", "--show-output", "--exact"]).args(tests);
    command.env("CONDUIT_SIM_SEEDS", seeds.to_string()).env_remove("CONDUIT_SIM_SEED");
    command.output().expect("Cargo can be run")
}

fn text(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// What is wrong with the way in which a bug was found, if something is.
fn miss(copy: &Copy, bug: &Bug) -> Option<String> {
    let Bug { name, found_by, says, .. } = bug;
    let output = run(copy.test(Some(bug)), 2_000, &[found_by]);
    let text = text(&output);
    let found = !output.status.success()
        && text.contains(&format!("{found_by} ... FAILED"))
        && (!found_by.starts_with("faults::")
            || text.contains("to run it again: CONDUIT_SIM_SEED="))
        && says.iter().any(|says| text.contains(says));
    (!found).then(|| format!("{name}: {found_by} says none of {says:?}, but:\n{text}"))
}

#[test]
#[ignore = "it builds the library once for each bug: `.ci/run` runs it"]
fn every_planted_bug_is_found() {
    let copy = Copy::new().expect("the sources can be copied");
    let mut tests: Vec<_> = BUGS.iter().map(|bug| bug.found_by).collect();
    tests.sort_unstable();
    tests.dedup();
    let sound = run(copy.test(None), 20, &tests);
    assert!(sound.status.success(), "without a bug: {}", text(&sound));

    let (left, missed) = (Mutex::new(BUGS.iter()), Mutex::new(Vec::new()));
    let take = || left.lock().expect("no panic").next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(bug) = take() {
                    missed.lock().expect("no panic").extend(miss(&copy, bug));
                }
            });
        }
    });
    let missed = missed.into_inner().expect("no panic");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
