//! The tests that hold for every broker.

mod support;

use std::process::ExitCode;

use support::Server;

fn main() -> ExitCode {
    let mut trials = Vec::with_capacity(200);
    conduit_testing::routing_suite!(Server, into trials);
    conduit_testing::flush_suite!(Server, into trials);
    conduit_testing::leave_suite!(Server, into trials);
    conduit_testing::close_suite!(Server, into trials);
    conduit_testing::reconnect_suite!(Server, into trials);
    conduit_testing::conduit_suite!(Server, into trials);
    conduit_testing::permitted_suite!(Server, into trials);
    conduit_testing::process_killed_suite!(Server, into trials);
    support::run(trials)
}
