//! Handles that keep a conduit open.

use std::sync::{Arc, Weak};

use crate::{
    Encoder,
    driver::{self, Shared},
};

/// Keeps a conduit open, and holds its encoder. Cloning it counts one reference for both.
pub(crate) struct Handle<E>(Arc<KeepOpen<Arc<E>>>);

/// Keeps a conduit open, for any encoder.
#[derive(Clone)]
pub(crate) struct Open(Arc<KeepOpen<dyn Send + Sync>>);

/// A weak handle; can be upgraded to a [`Handle`].
pub(crate) struct WeakHandle<E> {
    handle: Weak<KeepOpen<Arc<E>>>,
    shared: Arc<Shared>,
    encoder: Arc<E>,
}

struct KeepOpen<T: ?Sized> {
    shared: Arc<Shared>,
    encoder: T,
}

impl<T: ?Sized> Drop for KeepOpen<T> {
    fn drop(&mut self) {
        driver::release(&self.shared);
    }
}

impl<E> Handle<E> {
    pub(crate) fn new(shared: Arc<Shared>, encoder: Arc<E>) -> Self {
        Self(Arc::new(KeepOpen { shared, encoder }))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(crate) fn encoder(&self) -> &E {
        &self.0.encoder
    }

    pub(crate) fn downgrade(&self) -> WeakHandle<E> {
        WeakHandle {
            handle: Arc::downgrade(&self.0),
            shared: Arc::clone(&self.0.shared),
            encoder: Arc::clone(&self.0.encoder),
        }
    }
}

impl<E: Encoder> Handle<E> {
    pub(crate) fn open(&self) -> Open {
        // Clone first, then coerce to the trait object.
        let kept = Arc::clone(&self.0);
        Open(kept)
    }
}

impl<E> Clone for Handle<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Open {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl<E> WeakHandle<E> {
    /// Returns a handle, even if no other handle keeps the conduit open; it is not reopened.
    pub(crate) fn handle(&self) -> Handle<E> {
        match self.handle.upgrade() {
            Some(kept) => Handle(kept),
            None => Handle::new(Arc::clone(&self.shared), Arc::clone(&self.encoder)),
        }
    }
}
