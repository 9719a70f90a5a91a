//! What the fuzz targets do, as functions that also run without a fuzzer.
//!
//! Each takes arbitrary bytes and panics where something that must always hold does not.

mod frame;
mod names;
mod pair;
#[path = "../../core/tests/proto_machines/play/mod.rs"]
mod play;
mod request;

pub use self::{frame::frame, names::names, pair::pair, request::request};

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

/// Chance from bytes. When they are used up, it does not repeat itself: a link that lost the same packet
/// each time that it is sent would never get a body through.
fn dice(bytes: &[u8]) -> Box<dyn FnMut(u64) -> u64> {
    let mut bytes = Vec::from(bytes).into_iter();
    let mut rolls = 0u64;
    Box::new(move |sides| {
        rolls += 1;
        let chance = bytes.next().map_or_else(|| mixed(rolls), |byte| u64::from(byte) + rolls);
        chance % sides
    })
}

/// The output function of `SplitMix64` (Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("frame", frame),
    ("inbound", inbound),
    ("names", names),
    ("outbound", outbound),
    ("pair", pair),
    ("registry", registry),
    ("request", request),
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
