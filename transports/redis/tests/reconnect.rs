//! A server that goes away and comes back.

mod support;

conduit_testing::reconnect_suite!(crate::support::Server);
