//! Plays: bytes decide what is called, and everything that must always hold is checked.

mod inbound;
mod input;
mod outbound;
mod registry;

pub(crate) use self::{inbound::inbound, outbound::outbound, registry::registry};
