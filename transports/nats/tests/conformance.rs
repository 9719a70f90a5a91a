//! NATS passes the conformance suite, against a real server, under every runtime.

mod support;

use std::process::ExitCode;

use conduit_testing::{conformance_trials, run_trials};
use support::RealServer;

fn main() -> ExitCode {
    run_trials(conformance_trials!(RealServer))
}
