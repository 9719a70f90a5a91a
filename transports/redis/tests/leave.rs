//! Leaving loses nothing that was routed here.

mod support;

conduit_testing::leave_suite!(crate::support::Server);
