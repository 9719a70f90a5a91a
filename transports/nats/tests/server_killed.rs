//! Bodies of 256 MiB whose server is killed three times under way, and comes back.

mod support;

conduit_testing::server_killed_suite!(crate::support::Server);
