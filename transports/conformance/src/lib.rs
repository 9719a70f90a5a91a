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

/// A check, as data: for a program of tests that only knows as it runs whether there is a broker.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Runs it, against a broker of its own.
    pub run: Box<dyn FnOnce() -> Result<(), Violation> + Send>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Lists each check as a [`Check`]: `checks!(Broker, runtime, block_on)`, as for [`suite!`].
///
/// ```
/// # use conduit_conformance::Broker;
/// # use conduit_memory::Memory;
/// # struct InMemory(Memory);
/// # impl Broker for InMemory {
/// #     type Transport = Memory;
/// #     async fn start() -> Self {
/// #         Self(Memory::new())
/// #     }
/// #     async fn connect(&self) -> Memory {
/// #         self.0.clone()
/// #     }
/// # }
/// let checks = conduit_conformance::checks!(InMemory, conduit_smol::Smol, smol::block_on);
/// let order = checks.into_iter().find(|check| check.name == "packets_keep_their_order");
/// (order.expect("it is listed").run)()?;
/// # Ok::<(), conduit_conformance::Violation>(())
/// ```
#[macro_export]
macro_rules! checks {
    ($Broker:ty, $runtime:expr, $block_on:expr) => {{
        let mut checks = ::std::vec::Vec::new();
        $crate::each_check!($crate::one_check, checks, $Broker, $runtime, $block_on);
        checks
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! one_check {
    ($check:ident, $checks:ident, $Broker:ty, $runtime:expr, $block_on:expr) => {
        $checks.push($crate::Check {
            name: stringify!($check),
            run: ::std::boxed::Box::new(|| {
                ($block_on)($crate::run::<$Broker, _, _>($runtime, $crate::$check))
            }),
        });
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
