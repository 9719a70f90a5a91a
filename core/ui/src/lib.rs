//! What must not compile, and what the compiler says then: see `tests/ui`.
//!
//! The tests compile all dependencies of their crate anew, so this one has few.
