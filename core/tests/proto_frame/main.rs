//! The packets of the protocol: what they look like, what is refused, and that nothing panics.

mod arbitrary;
mod batch;
mod fields;
mod golden;
#[path = "../support/hex.rs"]
mod hex;
mod layout;
mod limits;
mod reasons;
mod refused;
mod samples;
mod spec;
