//! What the fuzz targets do, as functions that also run without a fuzzer.
//!
//! Each takes arbitrary bytes and panics where something that must always hold does not.

mod frame;
mod names;
mod pair;
#[path = "../../core/tests/proto_machines/play/mod.rs"]
mod play;

pub use self::{frame::frame, names::names, pair::pair};

/// The receiving half of a body under any sequence of packets, calls and clock steps.
pub fn inbound(data: &[u8]) {
    play::inbound(data);
}

/// The sending half of a body under any sequence of packets, calls and clock steps.
pub fn outbound(data: &[u8]) {
    play::outbound(data);
}

/// The registry against a naive one.
pub fn registry(data: &[u8]) {
    play::registry(data);
}

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 6] = [
    ("frame", frame),
    ("inbound", inbound),
    ("names", names),
    ("outbound", outbound),
    ("pair", pair),
    ("registry", registry),
];

/// Runs a target on the files that the program was given as arguments.
///
/// # Errors
/// Where a file cannot be read.
pub fn run_files(target: fn(&[u8])) -> std::io::Result<()> {
    for file in std::env::args_os().skip(1) {
        target(&std::fs::read(file)?);
    }
    Ok(())
}
