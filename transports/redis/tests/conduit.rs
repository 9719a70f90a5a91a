//! Conduits whose server goes away and comes back.

mod support;

conduit_testing::conduit_suite!(crate::support::Server);
