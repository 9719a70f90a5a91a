//! A NATS server and examples as processes of their own, for tests.

// Each test binary compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

#[path = "../../../transports/nats/tests/support/binary.rs"]
mod binary;
pub mod http;
mod program;
#[path = "../../../transports/nats/tests/support/server.rs"]
mod server;

pub use self::{
    program::{Program, program},
    server::Server,
};

/// What [`Server`] sends signals with.
mod process {
    pub use super::program::signal;
}
