use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use conduit_testing::{Trial, run_trials};

/// Set where a missing server is a failure, and not a reason to ignore its tests.
const REQUIRED: &str = "RABBITMQ_REQUIRED";

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
pub fn run(mut trials: Vec<Trial>) -> ExitCode {
    if server().is_none() {
        eprintln!("{HELP}");
        if env::var_os(REQUIRED).is_some() {
            return ExitCode::FAILURE;
        }
        let ignored = trials.into_iter().map(|trial| trial.with_ignored_flag(true));
        trials = ignored.collect();
    }
    let code = run_trials(trials);
    super::node::end_shared();
    code
}
