//! What the examples `hello` and `nats` share; each other example is whole in its own file.
//!
//! The index is the README beside this crate's manifest.

pub mod tour;

/// The code of the README at the top of the repository, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
