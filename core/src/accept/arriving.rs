use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::{Clock, Extensions, Gate, Refusal};
use crate::{
    Headers, MessageId, Source, Subject,
    driver::Ground,
    error::panic_text,
    proto::frame::{ContentType, Head},
};

/// A message that arrives at a binding, as [`Layer::accept`](crate::layer::Layer::accept) sees it.
pub struct Arriving<'a> {
    pub(crate) head: &'a Head,
    pub(crate) subject: &'a Subject,
    pub(crate) deadline: Option<Instant>,
    /// The body, if it came in the same packet.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) length: Option<u64>,
    pub(crate) ground: &'a Arc<Ground>,
    pub(crate) extensions: Extensions,
}

/// What layers have said of a message.
#[derive(Default)]
pub(crate) struct Accepted {
    pub(crate) extensions: Extensions,
    /// How many layers of its binding have seen it.
    pub(crate) seen: usize,
}

impl Arriving<'_> {
    /// Shows it to the layers of its conduit, and to those of its binding after the first `seen`.
    pub(crate) fn pass(
        mut self,
        conduit: &Gate,
        binding: &Gate,
        seen: usize,
    ) -> Result<Accepted, Refusal> {
        let binding_layers = binding.all().get(seen..).unwrap_or_default();
        let all = conduit.all().iter().chain(binding_layers);
        let asked = catch_unwind(AssertUnwindSafe(|| {
            all.into_iter().try_for_each(|layer| layer.accept(&mut self))
        }));
        asked.unwrap_or_else(|panic| {
            Err(Refusal::refused(format!("a layer panicked: {}", panic_text(&*panic))))
        })?;
        Ok(Accepted { extensions: self.extensions, seen: binding.all().len() })
    }
}

impl Arriving<'_> {
    /// Returns the subject.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        self.subject
    }

    /// Returns the service and the instance that sent it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.head.source
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// Returns the media type of the body, if an encoder made it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_ref().map(ContentType::as_str)
    }

    /// Returns the id of the request; `None` if it is a one-way message.
    #[must_use]
    pub fn request(&self) -> Option<MessageId> {
        Some(self.head.request?.message)
    }

    /// Returns when the asker stops waiting, if it has a deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the body, if it came in one packet. A streamed body has not been sent yet.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body
    }

    /// Returns the length of the body in bytes, if the sender announced it.
    #[must_use]
    pub fn body_len(&self) -> Option<u64> {
        self.length
    }

    /// Returns what layers have attached to it.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the extensions, to attach something: the [`Message`](crate::Message) has it, until the
    /// last clone is dropped.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.ground)
    }
}

impl fmt::Debug for Arriving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arriving")
            .field("subject", self.subject)
            .field("source", self.source())
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}
