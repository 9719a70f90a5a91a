//! A flush waits for the broker.

mod support;

conduit_testing::flush_suite!(crate::support::Server);
