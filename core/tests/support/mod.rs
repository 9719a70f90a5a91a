//! What the tests of the async face share.

use conduit::{Runtime, Task};

pub(crate) mod busy;
pub(crate) mod cut;
pub(crate) mod forger;
pub(crate) mod sim;
pub(crate) mod world;
