//! What of a message belongs to whoever runs its handler.

use std::{sync::Arc, time::Instant};

use crate::{
    Encode, Encoder, Message, Subject,
    driver::{Envelope, Here, Replier},
    handle::Handle,
    outgoing::Payload,
    reply::Replying,
};

/// What whoever runs a handler has to know and to see to.
pub(crate) struct Duties {
    pub(crate) subject: Subject,
    pub(crate) replier: Option<Arc<Replier>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) here: Option<Here>,
}

/// What it takes to answer a message that somebody else has.
pub(crate) struct Answerer<E> {
    handle: Handle<E>,
    replier: Arc<Replier>,
}

impl<E: Encoder> Answerer<E> {
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
        let Envelope { subject, replier, deadline, here, .. } = &mut *self.envelope;
        Duties {
            subject: subject.clone(),
            replier: replier.clone(),
            deadline: *deadline,
            here: here.take(),
        }
    }

    /// What it takes to answer it, where it is a request.
    pub(crate) fn answerer(&self) -> Option<Answerer<E>> {
        Some(Answerer {
            handle: self.handle.clone(),
            replier: Arc::clone(self.envelope.replier.as_ref()?),
        })
    }
}
