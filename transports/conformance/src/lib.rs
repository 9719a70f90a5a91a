//! What every Conduit transport must pass, under every runtime.
//!
//! Implement [`Broker`] for a transport, and let [`suite!`] make one test of each check:
//!
//! ```
//! use conduit_conformance::Broker;
//! use conduit_memory::Memory;
//!
//! struct InMemory(Memory);
//!
//! impl Broker for InMemory {
//!     type Transport = Memory;
//!     async fn start() -> Self {
//!         Self(Memory::new())
//!     }
//!     async fn connect(&self) -> Memory {
//!         self.0.clone()
//!     }
//! }
//!
//! mod smol_tests {
//!     # use super::*;
//!     conduit_conformance::suite!(InMemory, conduit_smol::Smol, smol::block_on);
//! }
//! # fn main() {}
//! ```
//!
//! A check that fails says which guarantee the transport broke, and how it showed.

mod checks;
mod forgery;
mod greedy;
mod guard;
mod number;
mod odd;
mod pattern;
mod quiet;
mod reading;
mod tally;
mod violation;
mod way;
mod wire;
mod world;

pub use self::{
    checks::*,
    number::Number,
    violation::{Guarantee, Violation},
    world::{Broker, World, run},
};

/// Makes a test of each check: `suite!(Broker, runtime, block_on)`, where `block_on` runs a future
/// to its end on the runtime.
#[macro_export]
macro_rules! suite {
    ($Broker:ty, $runtime:expr, $block_on:expr) => {
        $crate::each_check!($crate::one_test, $Broker, $runtime, $block_on);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! one_test {
    ($check:ident, $Broker:ty, $runtime:expr, $block_on:expr) => {
        #[test]
        fn $check() -> ::std::result::Result<(), $crate::Violation> {
            ($block_on)($crate::run::<$Broker, _, _>($runtime, $crate::$check))
        }
    };
}
