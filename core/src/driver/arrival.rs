use std::{sync::Arc, time::Instant};

use super::{Content, InboundStream, Replier, ground::Ground, streams::Readiness};
use crate::{
    Subject,
    accept::Accepted,
    proto::{Detail, Reason, ReasonCode, frame::Head},
};

/// A message that has reached a binding.
pub(crate) struct Arrival {
    pub(crate) head: Arc<Head>,
    pub(crate) subject: Subject,
    pub(crate) replier: Option<Arc<Replier>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) content: Content,
    /// What layers have said of it.
    pub(crate) accepted: Accepted,
}

impl Arrival {
    /// Returns the stream of its body, if it is streamed.
    pub(super) fn stream(&self) -> Option<&Arc<InboundStream>> {
        match &self.content {
            Content::Whole(_) => None,
            Content::Stream(content) => Some(&content.stream),
        }
    }

    /// Drops it without a failure to its sender: it is no longer needed, or its sender has decided
    /// against this instance.
    pub(super) fn refuse(&self) {
        if let Content::Stream(content) = &self.content {
            content.stream.stop(ReasonCode::Draining.into());
        }
        if let Some(replier) = &self.replier {
            replier.claim();
        }
    }

    /// Notes that a handler has it.
    #[inline]
    pub(crate) fn start(&self) {
        if let Some(replier) = &self.replier {
            replier.start();
        }
        self.content.start();
    }

    /// Notes that the handler's function is called with it.
    #[inline]
    pub(crate) fn begin(&self) {
        if let Some(replier) = &self.replier {
            replier.begin();
        }
    }

    /// Tells its sender that it is refused, before a handler has it.
    pub(super) fn decline(&self, reason: Reason) {
        match (self.stream(), &self.replier) {
            // The end of its body tells the sender, which may offer it to another member.
            (Some(stream), replier) => {
                stream.stop(reason);
                let _ = replier.as_ref().is_none_or(|replier| replier.claim());
            }
            (None, Some(replier)) => replier.fail(reason, Detail::default()),
            (None, None) => {}
        }
    }

    /// Returns whether its accepted body will not arrive, though its sender did not withdraw it;
    /// for example because the acceptance was too late.
    pub(super) fn is_lost(&self) -> bool {
        use ReasonCode::{BodyFailed, Cancelled, Closed, Deadline};
        let unconfirmed = self.stream().filter(|stream| stream.readiness() == Readiness::Never);
        let ended = unconfirmed.and_then(|stream| stream.failure());
        ended.is_some_and(|code| !matches!(code, Cancelled | Closed | Deadline | BodyFailed))
    }

    /// Returns whether it is a request that was cancelled, or whose deadline has passed.
    pub(super) fn is_needless(&self, ground: &Ground) -> bool {
        let is_cancelled = self.replier.as_ref().is_some_and(|replier| replier.is_cancelled());
        is_cancelled || self.deadline.is_some_and(|deadline| ground.now() >= deadline)
    }

    pub(super) fn readiness(&self, ground: &Ground) -> Readiness {
        if self.is_needless(ground) {
            return Readiness::Never;
        }
        self.stream().map_or(Readiness::Ready, |stream| stream.readiness())
    }
}
