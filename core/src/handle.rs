//! What keeps a conduit open.

use std::sync::{Arc, Weak};

use crate::{Encoder, driver::Shared};

/// What keeps a conduit open, with its encoder: a message counts one reference to both.
pub(crate) struct Handle<E>(Arc<KeepOpen<Arc<E>>>);

/// What keeps a conduit open, whatever its encoder.
#[derive(Clone)]
pub(crate) struct Open(Arc<KeepOpen<dyn Send + Sync>>);

/// What does not keep it open, and has all that a handle is made of.
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
        self.shared.release();
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
        // In two steps: the clone keeps its type.
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
    /// Another handle, also where nobody keeps the conduit open any more: that does not open it
    /// again.
    pub(crate) fn handle(&self) -> Handle<E> {
        match self.handle.upgrade() {
            Some(kept) => Handle(kept),
            None => Handle::new(Arc::clone(&self.shared), Arc::clone(&self.encoder)),
        }
    }
}
