use std::sync::{Arc, Mutex, PoisonError};

use crate::Closing;

/// A transport's part in a connection that several share. The connection is closed with the last.
///
/// ```
/// use std::sync::Arc;
///
/// use conduit_kit::{Closing, Lease};
///
/// let connection = Arc::new(Closing::default());
/// let first = Lease::new(Arc::clone(&connection));
/// let second = first.clone();
/// first.release();
/// assert!(!connection.is_closed());
/// drop(second);
/// assert!(connection.is_closed());
/// ```
#[derive(Debug)]
pub struct Lease(Mutex<Option<Arc<Held>>>);

#[derive(Debug)]
struct Held(Arc<Closing>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Lease {
    /// Creates the first part in a connection.
    #[must_use]
    pub fn new(connection: Arc<Closing>) -> Self {
        Self(Mutex::new(Some(Arc::new(Held(connection)))))
    }

    /// Gives the part back before it is dropped.
    pub fn release(&self) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(held);
    }
}

/// Another part, or none if this one was given back.
impl Clone for Lease {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}
