//! Several processes ask several others.

mod support;

conduit_testing::fleet_suite!(support::Server);
