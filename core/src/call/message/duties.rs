//! What the task that runs a handler keeps of the message.

use std::{sync::Arc, time::Instant};

use crate::{
    Encode, Encoder, Message, Source,
    call::outgoing::Payload,
    call::reply::Replying,
    driver::{Handling, Replier},
    handle::Handle,
};

/// What the task that runs a handler has to know and to clean up.
pub(crate) struct Duties {
    pub(crate) source: Source,
    pub(crate) replier: Option<Arc<Replier>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) handling: Option<Handling>,
}

/// Keeps the conduit of a message open, and counts the message as being handled until it is
/// dropped.
pub(super) struct MessageGuard<E> {
    pub(super) handle: Handle<E>,
    is_counted: bool,
}

impl<E> MessageGuard<E> {
    /// Creates it for a message taken from a binding.
    pub(super) fn taken(handle: Handle<E>) -> Self {
        Self { handle, is_counted: true }
    }

    /// Creates it for a reply, which is not counted.
    pub(super) fn reply(handle: Handle<E>) -> Self {
        Self { handle, is_counted: false }
    }

    /// Passes the counting on to a [`Handling`].
    fn pass_on(&mut self) -> Option<Handling> {
        std::mem::take(&mut self.is_counted).then(|| Handling::new(&self.handle.shared().work))
    }
}

impl<E> Drop for MessageGuard<E> {
    fn drop(&mut self) {
        if self.is_counted {
            self.handle.shared().work.handled();
        }
    }
}

/// Answers a message that was given to a function.
pub(crate) struct Responder<E> {
    handle: Handle<E>,
    replier: Arc<Replier>,
}

impl<E: Encoder> Responder<E> {
    pub(crate) fn reply<T>(self, value: &T) -> Replying
    where
        T: ?Sized,
        E: Encode<T>,
    {
        let payload = Payload::encode(self.handle.encoder(), value);
        Replying::new(self.handle.open(), Some(self.replier), payload)
    }
}

impl<E: Encoder> Message<E> {
    pub(crate) fn take_duties(&mut self) -> Duties {
        Duties {
            source: self.head.source.clone(),
            replier: self.replier.clone(),
            deadline: self.deadline,
            handling: self.guard.pass_on(),
        }
    }

    /// Returns a responder, if the message is a request.
    pub(crate) fn responder(&self) -> Option<Responder<E>> {
        Some(Responder {
            handle: self.guard.handle.clone(),
            replier: Arc::clone(self.replier.as_ref()?),
        })
    }
}
