//! Closing, and dropping without closing.

mod support;

conduit_testing::close_suite!(crate::support::Server);
