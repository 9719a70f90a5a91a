//! Requests that are being answered here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use event_listener::Event;

use super::{Shared, shared::lock};
use crate::{
    MessageId,
    proto::{
        Reason, ReasonCode,
        frame::{Frame, Request, Source},
    },
    transport::Target,
};

#[derive(Default)]
pub(super) struct Serving {
    /// More than one where several bindings of this conduit got the same request.
    running: Mutex<BTreeMap<MessageId, Vec<Weak<Replier>>>>,
}

/// Says that the asker does not need the answer any more.
#[derive(Default)]
pub(crate) struct Cancel {
    cancelled: AtomicBool,
    event: Event,
}

impl Cancel {
    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.event.notify(usize::MAX);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits for the cancellation.
    pub(crate) async fn cancelled(&self) {
        loop {
            let listener = self.event.listen();
            if self.is_cancelled() {
                return;
            }
            listener.await;
        }
    }
}

/// The duty to answer one request: whoever drops the last of it unanswered has the asker told.
pub(crate) struct Replier {
    shared: Arc<Shared>,
    pub(crate) request: Request,
    pub(crate) asker: Source,
    target: Target,
    cancel: Cancel,
    answered: AtomicBool,
    /// A handler has it.
    started: AtomicBool,
}

impl Replier {
    pub(super) fn new(
        shared: &Arc<Shared>,
        request: Request,
        asker: Source,
        target: Target,
    ) -> Arc<Self> {
        let replier = Arc::new(Self {
            shared: Arc::clone(shared),
            request,
            asker,
            target,
            cancel: Cancel::default(),
            answered: AtomicBool::new(false),
            started: AtomicBool::new(false),
        });
        lock(&shared.serving.running)
            .entry(request.message)
            .or_default()
            .push(Arc::downgrade(&replier));
        replier
    }

    /// A handler has the request from now on.
    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::SeqCst);
    }

    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Takes the right to answer. Only the first gets it.
    pub(crate) fn claim(&self) -> bool {
        !self.answered.swap(true, Ordering::SeqCst)
    }

    /// Answers with a failure, if nobody has answered.
    pub(crate) fn fail(&self, reason: Reason) {
        if self.claim() {
            self.post_failure(reason);
        }
    }

    /// Says that the answer that was begun will not come.
    pub(crate) fn post_failure(&self, reason: Reason) {
        let failure = Frame::Failure {
            message: self.request.message,
            instance: self.shared.source.instance,
            target: self.target,
            reason,
            detail: Bytes::new(),
        };
        self.shared.post(Shared::inbox_of(&self.asker), &failure);
    }
}

impl Drop for Replier {
    fn drop(&mut self) {
        let code = if self.cancel.is_cancelled() {
            ReasonCode::Cancelled
        } else if self.started.load(Ordering::SeqCst) {
            ReasonCode::NoReply
        } else {
            ReasonCode::Draining
        };
        self.fail(code.into());
        let mut running = lock(&self.shared.serving.running);
        if let Some(repliers) = running.get_mut(&self.request.message) {
            // This one can no longer be upgraded.
            repliers.retain(|replier| replier.strong_count() > 0);
            if repliers.is_empty() {
                running.remove(&self.request.message);
            }
        }
    }
}

impl Shared {
    /// The asker of a request does not need the answer any more.
    pub(super) fn handle_cancel(&self, message: MessageId) {
        let repliers = lock(&self.serving.running).get(&message).cloned();
        for replier in repliers.iter().flatten().filter_map(Weak::upgrade) {
            replier.cancel.cancel();
        }
    }

    /// This conduit will answer no more: whoever waits for that is told.
    pub(super) fn end_serving(&self) {
        let running: Vec<_> = lock(&self.serving.running)
            .values()
            .flatten()
            .cloned()
            .collect();
        for replier in running.iter().filter_map(Weak::upgrade) {
            replier.fail(ReasonCode::Closed.into());
        }
    }

    /// How many requests are being answered.
    pub(crate) fn serving(&self) -> usize {
        lock(&self.serving.running).len()
    }
}
