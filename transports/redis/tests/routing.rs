//! Where packets go.

mod support;

conduit_testing::routing_suite!(crate::support::Server);
