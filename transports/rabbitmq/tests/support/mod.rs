//! A real server for tests.

// Each program of tests compiles this module for itself and uses its own part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod binary;
mod gate;
mod node;
mod server;
mod users;

pub use self::{
    binary::run,
    gate::Gate,
    node::{Node, shared},
    server::{Server, fresh_namespace},
};
