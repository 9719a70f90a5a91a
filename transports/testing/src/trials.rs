use std::{collections::BTreeMap, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::Outcome;

const RUNTIMES: [&str; 4] = ["tokio_multi_thread", "tokio_current_thread", "smol", "async_std"];

/// Tests wait most of the time.
const THREADS: usize = 6;

/// Returns a test for a program that lists its tests as data.
pub fn trial(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:?}"))))
}

/// Runs the tests of a program.
///
/// Those that run under every runtime take one of them by turns. The others are ignored, unless
/// `--ignored` or `--include-ignored` says otherwise.
#[must_use]
pub fn run_trials(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    libtest_mimic::run(&arguments, spread(trials)).exit_code()
}

/// Leaves each test to one runtime, by turns.
fn spread(trials: Vec<Trial>) -> Vec<Trial> {
    let mut turns = BTreeMap::new();
    let mut is_its_turn = |name: &str| {
        let Some(turn) = RUNTIMES.iter().position(|runtime| name.contains(runtime)) else {
            return true;
        };
        let next = turns.len() % RUNTIMES.len();
        *turns.entry(name.replacen(RUNTIMES[turn], "", 1)).or_insert(next) == turn
    };
    trials
        .into_iter()
        .map(|trial| {
            let is_ignored = trial.has_ignored_flag() || !is_its_turn(trial.name());
            trial.with_ignored_flag(is_ignored)
        })
        .collect()
}

/// Runs the conformance suite for a `conduit_conformance::Broker` under every runtime, as
/// [`run_trials`] does: `conformance_trials!(Broker)` lists its checks.
#[macro_export]
macro_rules! conformance_trials {
    ($broker:ty) => {{
        let mut trials = ::std::vec::Vec::new();
        $crate::conformance_trials!(@ trials, $broker, tokio_multi_thread, $crate::Tokio);
        $crate::conformance_trials!(@ trials, $broker, tokio_current_thread, $crate::Tokio);
        $crate::conformance_trials!(@ trials, $broker, smol, $crate::Smol);
        $crate::conformance_trials!(@ trials, $broker, async_std, $crate::AsyncStd);
        trials
    }};
    (@ $trials:ident, $broker:ty, $runtime:ident, $adapter:expr) => {
        for check in ::conduit_conformance::checks!($broker, $adapter, $crate::block_on::$runtime) {
            let name = format!("{}::{}", stringify!($runtime), check.name);
            $trials.push($crate::trial(&name, || Ok((check.run)()?)));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_takes_a_runtime_by_turns_and_what_has_none_runs() {
        let names = RUNTIMES.iter().flat_map(|runtime| {
            ["order", "limits", "leave", "flush", "close"].map(|test| format!("{runtime}::{test}"))
        });
        let trials = names.chain(["alone".to_owned()]).map(|name| trial(&name, || Ok(())));
        let spread = spread(trials.collect());
        let runs = spread.iter().filter(|trial| !trial.has_ignored_flag());
        let mut runs: Vec<_> = runs.map(Trial::name).collect();
        runs.sort_unstable();
        assert_eq!(
            runs,
            [
                "alone",
                "async_std::flush",
                "smol::leave",
                "tokio_current_thread::limits",
                "tokio_multi_thread::close",
                "tokio_multi_thread::order"
            ]
        );
    }
}
