//! One connection to the broker.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use conduit::transport::{TransportError, TransportErrorKind};

use crate::way::Way;

/// A connection to the broker.
pub(crate) struct Connection {
    pub(crate) id: u64,
    /// Changes only under the broker's lock.
    pub(crate) closed: AtomicBool,
    pub(crate) way: Arc<Way>,
    /// The index of the routes of its namespace.
    pub(crate) routes: usize,
}

impl Connection {
    pub(crate) fn check_open(&self) -> Result<(), TransportError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(TransportErrorKind::Closed.into());
        }
        Ok(())
    }
}
