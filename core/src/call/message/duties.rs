//! What the task that runs a handler keeps of the message.

use std::{sync::Arc, time::Instant};

use tracing::{Span, field};

use crate::{
    Encode, Encoder, Error, Message, Source,
    call::outgoing::Payload,
    call::reply::Replying,
    driver::{Handling, Replier},
    handle::Handle,
    layer::{Context, Extensions, InboundCall, Incoming},
    proto::{Detail, Reason, frame::Head},
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
    context: Context,
}

impl<E: Encoder> Responder<E> {
    pub(crate) fn reply<T>(self, value: &T) -> Replying
    where
        T: ?Sized,
        E: Encode<T>,
    {
        let payload = Payload::encode(self.handle.encoder(), value);
        Replying::new(self.handle.open(), Some(self.replier), payload, self.context)
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
            context: self.reply_context(),
        })
    }

    /// Returns the span that the handler runs in.
    pub(crate) fn span(&self) -> Span {
        let Head { source, .. } = &*self.head;
        tracing::debug_span!(
            target: "conduit",
            "handler",
            service = %self.guard.handle.shared().source.service,
            subject = %self.subject,
            source = %source.service,
            instance = %source.instance,
            request = self.replier.as_ref().map(|replier| field::display(replier.request.message)),
        )
    }

    /// Returns what layers see of the message.
    pub(crate) fn incoming(&self) -> Incoming {
        Incoming::new(&self.head, &self.subject, &self.extensions)
    }

    /// Notes that a handler has this message.
    pub(crate) fn start(&self) {
        if let Some(replier) = &self.replier {
            replier.start();
        }
        self.body.start();
    }

    /// Answers the request.
    pub(super) fn answer_with(&self, payload: Result<Payload, Error>) -> Replying {
        let (handle, replier) = (self.guard.handle.open(), self.replier.clone());
        Replying::new(handle, replier, payload, self.reply_context())
    }

    /// Returns what a reply needs for the layers that it passes, if there are any.
    pub(super) fn reply_context(&self) -> Context {
        if !self.around.has_outbound() {
            return Context::default();
        }
        Context::new(self.around.clone(), Some(self.incoming()))
    }

    /// Returns the message as its layers see it before the handler.
    pub(crate) fn inbound_call(&self) -> InboundCall {
        InboundCall::new(self.incoming(), self.deadline, self.guard.handle.shared().ground())
    }

    pub(crate) fn is_one_packet(&self) -> bool {
        !self.body.is_streamed()
    }

    /// Gives the message what the layers have attached to it.
    pub(crate) fn extend(&mut self, extensions: Extensions) {
        self.extensions = extensions;
    }

    /// Tells the sender that a layer has refused the message. No handler has started.
    pub(crate) fn refuse(&self, reason: &Reason) {
        self.body.stop(reason);
        match &self.replier {
            // The end of its body tells the sender, which may offer it to another member.
            Some(replier) if self.body.is_streamed() => drop(replier.claim()),
            Some(replier) => replier.fail(reason.clone(), Detail::default()),
            None => {}
        }
    }
}
