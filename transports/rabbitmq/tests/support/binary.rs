use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use conduit_testing::Trial;
use libtest_mimic::Arguments;

/// Set where a missing server is a failure, and not a reason to ignore its tests.
const REQUIRED: &str = "RABBITMQ_REQUIRED";

/// Set where each test is to run under every runtime.
const EVERY_RUNTIME: &str = "CONDUIT_EVERY_RUNTIME";

const RUNTIMES: [&str; 4] = ["tokio_multi_thread", "tokio_current_thread", "smol", "async_std"];

const HELP: &str = "These tests need RabbitMQ 3.10 or later. Install it (`apt-get install \
    rabbitmq-server`), or set RABBITMQ_SERVER to the path of its `rabbitmq-server`.";

/// Where Debian's package has the program itself. What it puts into `PATH` changes the user first.
const PACKAGED: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Returns the server that `RABBITMQ_SERVER` names, else the one of the package, else the one in `PATH`.
pub fn server() -> Option<PathBuf> {
    if let Some(named) = env::var_os("RABBITMQ_SERVER") {
        return Some(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join("rabbitmq-server"));
    let mut candidates = std::iter::once(PathBuf::from(PACKAGED)).chain(in_path);
    candidates.find(|file| is_server(file))
}

fn is_server(file: &Path) -> bool {
    // The wrapper of the package is a link of that name.
    fs::canonicalize(file).is_ok_and(|file| !file.ends_with("rabbitmq-script-wrapper"))
}

/// Runs the tests of a program; without a server they are reported as ignored.
///
/// The transport has a thread of its own for what it does, so that a runtime makes little difference, and
/// the server takes most of the time. So each test runs under one runtime, unless some are selected, or
/// all are wanted by the environment.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let is_missing = server().is_none();
    if is_missing {
        eprintln!("{HELP}");
        if env::var_os(REQUIRED).is_some() {
            return ExitCode::FAILURE;
        }
    } else if arguments.test_threads.is_none() {
        // They wait most of the time.
        arguments.test_threads = Some(6);
    }
    let trials = match arguments.filter.is_some() || env::var_os(EVERY_RUNTIME).is_some() {
        true => trials,
        false => spread(trials),
    };
    let trials = trials
        .into_iter()
        .map(|trial| {
            let ignored = is_missing || trial.has_ignored_flag();
            trial.with_ignored_flag(ignored)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    super::node::end_shared();
    conclusion.exit_code()
}

/// Leaves each test to one runtime, by turns.
fn spread(mut trials: Vec<Trial>) -> Vec<Trial> {
    let mut turns = BTreeMap::new();
    trials.retain(|trial| {
        let name = trial.name();
        let Some(turn) = RUNTIMES.iter().position(|runtime| name.contains(runtime)) else {
            return true;
        };
        let next = turns.len() % RUNTIMES.len();
        *turns.entry(name.replacen(RUNTIMES[turn], "", 1)).or_insert(next) == turn
    });
    trials
}
