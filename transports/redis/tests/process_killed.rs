//! A process that is killed in the middle of a body, or while it waits for an answer.

mod support;

conduit_testing::process_killed_suite!(support::Server);
