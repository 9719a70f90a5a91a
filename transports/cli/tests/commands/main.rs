//! The built program, against a NATS server.

mod asking;
mod checking;
mod elsewhere;
mod files;
mod golden;
mod redis;
mod running;
mod serving;
mod tapping;
mod who;

#[path = "../../../nats/tests/support/binary.rs"]
#[allow(dead_code, unreachable_pub)]
mod binary;
#[path = "../../../nats/tests/support/server.rs"]
#[allow(dead_code, unreachable_pub)]
mod server;

use self::server::Server;
