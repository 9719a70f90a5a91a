//! Tests that hold for every broker. A transport's crate runs each suite by its macro.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "each is a test, whose name says what holds"
)]

pub mod close;
pub mod conduit;
pub mod fleet;
pub mod flush;
pub mod leave;
pub mod memory;
pub mod permitted;
pub mod process_killed;
pub mod reconnect;
pub mod routing;
pub mod server_killed;
