use std::{
    any::Any,
    env,
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
};

use crate::Sim;

/// Overrides how many seeds each check runs.
const COUNT: &str = "CONDUIT_SIM_SEEDS";
/// The one seed, or the range of seeds, to run.
const SEED: &str = "CONDUIT_SIM_SEED";

/// Runs a test under the seeds `0..count`, each in its own simulation, which is shut down at the
/// end.
///
/// Environment variables override the seeds: `CONDUIT_SIM_SEEDS=100000` runs that many,
/// `CONDUIT_SIM_SEED=17` only that one, and `CONDUIT_SIM_SEED=17..1000` a range.
///
/// # Panics
/// If the test panics or returns an error; with the failure, the seed, and the command that runs it
/// again.
///
/// ```should_panic
/// use std::{cell::Cell, time::Duration};
///
/// use conduit::Runtime;
/// use conduit_sim::check;
///
/// // Two tasks, and a wrong assumption about which runs first: some seed shows it.
/// check(100, |sim| {
///     let (first, order) = async_channel::unbounded();
///     let second = first.clone();
///     sim.spawn(Box::pin(async move { first.try_send(1).unwrap() }));
///     sim.spawn(Box::pin(async move { second.try_send(2).unwrap() }));
///     sim.block_on(async { assert_eq!(order.recv().await, Ok(1)) });
///     Ok(())
/// });
/// ```
pub fn check(count: u64, test: impl Fn(&Sim) -> Result<(), Box<dyn Error>>) {
    let (from, to) = seeds(count);
    for seed in from..to {
        let sim = Sim::new(seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&sim)));
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(text_of(&*panic).to_owned()),
        };
        if let Some(failure) = failure {
            panic!("{failure}\n{}", replay(seed, &sim));
        }
        sim.shut_down();
    }
}

fn replay(seed: u64, sim: &Sim) -> String {
    let (time, command) = (sim.elapsed(), command().unwrap_or_else(|| "cargo test".to_owned()));
    format!("after {time:?} of seed {seed}; to run it again: {SEED}={seed} {command}")
}

/// Returns the command that runs the current test, as far as Cargo's environment tells.
fn command() -> Option<String> {
    let package = env::var("CARGO_PKG_NAME").ok()?;
    let program = env::current_exe().ok()?;
    let file = program.file_stem()?.to_str()?;
    if program.parent()?.ends_with("examples") {
        return Some(format!("cargo run -p {package} --example {file}"));
    }
    let mut command = format!("cargo test -p {package}");
    // Cargo appends a digest to the name of a test.
    let target = file.rsplit_once('-').map_or(file, |(name, _)| name);
    let tests = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("tests");
    let sources = [tests.join(target).with_extension("rs"), tests.join(target).join("main.rs")];
    if sources.iter().any(|source| source.exists()) {
        command.push_str(&format!(" --test {target}"));
    }
    // The thread of a test is named after the test.
    if let Some(name) = thread::current().name().filter(|name| *name != "main") {
        command.push_str(&format!(" -- --exact {name}"));
    }
    Some(command)
}

fn seeds(count: u64) -> (u64, u64) {
    let number = |text: &str| {
        let number = text.trim().parse();
        number.unwrap_or_else(|_| panic!("{text:?} is not a number of a seed"))
    };
    if let Ok(seed) = env::var(SEED) {
        return match seed.split_once("..") {
            Some((from, to)) => (number(from), number(to)),
            None => (number(&seed), number(&seed) + 1),
        };
    }
    (0, env::var(COUNT).map_or(count, |count| number(&count)))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}
