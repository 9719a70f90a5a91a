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

use super::{Shared, shared::lock, tombs::Tombs};
use crate::{
    MessageId,
    proto::{
        Reason, ReasonCode,
        frame::{Frame, Request, Source},
    },
    transport::Target,
};

#[derive(Default)]
pub(super) struct Serving(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// More than one where several bindings of this conduit got the same request.
    running: BTreeMap<MessageId, Vec<Weak<Replier>>>,
    /// Requests that were cancelled before they came: the two travel by different ways.
    cancelled: Tombs<MessageId, ()>,
}

/// The duty to answer one request: whoever drops the last of it unanswered has the asker told.
pub(crate) struct Replier {
    shared: Arc<Shared>,
    pub(crate) request: Request,
    pub(crate) asker: Source,
    target: Target,
    /// The asker does not need the answer any more.
    cancelled: AtomicBool,
    cancellation: Event,
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
            cancelled: AtomicBool::new(false),
            cancellation: Event::new(),
            answered: AtomicBool::new(false),
            started: AtomicBool::new(false),
        });
        let mut table = lock(&shared.serving.0);
        if table.cancelled.get(shared.now(), &request.message).is_some() {
            replier.cancel();
        }
        let same = table.running.entry(request.message).or_default();
        same.push(Arc::downgrade(&replier));
        drop(table);
        replier
    }

    /// A handler has the request from now on.
    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::SeqCst);
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.cancellation.notify(usize::MAX);
    }

    /// Whether the asker does not need the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits for the cancellation.
    pub(crate) async fn cancelled(&self) {
        loop {
            let listener = self.cancellation.listen();
            if self.is_cancelled() {
                return;
            }
            listener.await;
        }
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
        let code = if self.is_cancelled() {
            ReasonCode::Cancelled
        } else if self.started.load(Ordering::SeqCst) {
            ReasonCode::NoReply
        } else {
            ReasonCode::Draining
        };
        self.fail(code.into());
        let mut table = lock(&self.shared.serving.0);
        if let Some(same) = table.running.get_mut(&self.request.message) {
            same.retain(|replier| !std::ptr::eq(replier.as_ptr(), self));
            if same.is_empty() {
                table.running.remove(&self.request.message);
            }
        }
    }
}

impl Shared {
    /// The asker of a request does not need the answer any more.
    pub(super) fn handle_cancel(&self, message: MessageId) {
        let now = self.now();
        let mut table = lock(&self.serving.0);
        let same = table.running.get(&message).cloned();
        if same.is_none() {
            table.cancelled.insert(now, now + self.config.idle_limit, message, ());
        }
        drop(table);
        let same = same.into_iter().flatten();
        same.filter_map(|replier| replier.upgrade()).for_each(|replier| replier.cancel());
    }

    /// Tells everybody who waits for an answer from here that there will be none.
    pub(super) fn end_serving(&self) {
        let running: Vec<_> = lock(&self.serving.0).running.values().flatten().cloned().collect();
        for replier in running.iter().filter_map(Weak::upgrade) {
            // Also where a reply was begun, since it may not get out any more. Of two answers the
            // asker takes the first.
            replier.claim();
            replier.post_failure(ReasonCode::Closed.into());
        }
    }

    /// How many requests are being answered.
    pub(crate) fn serving(&self) -> usize {
        lock(&self.serving.0).running.len()
    }
}
