//! What the tests of the async face share.

pub(crate) mod sim;
pub(crate) mod world;
