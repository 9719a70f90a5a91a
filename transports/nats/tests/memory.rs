//! How much memory a long body takes at each side, each in a process of its own.

mod support;

mod memory {
    conduit_testing::memory_suite!(crate::support::Server);
}
