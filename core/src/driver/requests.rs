//! The table of requests that wait for an answer.

mod answers;
mod errors;
mod pending;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub(crate) use self::{
    answers::Room,
    pending::{Answer, Pending, Step, Vain},
};
use super::{Shared, ground::lock};
use crate::{
    Error, ErrorKind, Executed, MessageId,
    body::Content,
    proto::{
        ReasonCode, RequestFailure,
        frame::{Frame, Head, StreamId},
    },
    transport::Targets,
};

#[derive(Default)]
pub(super) struct Requests(Mutex<BTreeMap<MessageId, Arc<Pending>>>);

impl Shared {
    /// Registers a request, so that its answers find it.
    pub(crate) fn expect_answer(&self, message: MessageId, pending: &Arc<Pending>) {
        lock(&self.requests.0).insert(message, Arc::clone(pending));
    }

    pub(crate) fn forget_request(&self, message: MessageId) {
        let pending = lock(&self.requests.0).remove(&message);
        drop(pending);
        self.ended.notify(usize::MAX);
    }

    /// Returns how many requests wait for an answer.
    pub(crate) fn asking(&self) -> usize {
        lock(&self.requests.0).len()
    }

    /// Returns how many bytes of answers wait to be taken.
    pub(crate) fn waiting_in_requests(&self) -> u64 {
        lock(&self.requests.0).values().map(|pending| pending.waiting_bytes()).sum()
    }

    fn request_at(&self, message: MessageId) -> Option<Arc<Pending>> {
        lock(&self.requests.0).get(&message).cloned()
    }

    pub(super) fn end_requests(&self) {
        let pending: Vec<_> = lock(&self.requests.0)
            .iter()
            .map(|(message, pending)| (*message, Arc::clone(pending)))
            .collect();
        for (message, pending) in pending {
            // Its body was aborted before, and no further receiver will be confirmed.
            let upload = self.outbound_at(StreamId { message, reply: false });
            let executed = upload.map_or(Executed::Maybe, |upload| upload.executed());
            pending.close(self, executed);
        }
    }

    /// Handles a frame that answers a request, or is a sign of life.
    pub(super) fn handle_answer(self: &Arc<Self>, frame: Frame, bytes: usize) {
        let (now, bytes) = (self.now(), bytes as u64);
        match frame {
            Frame::Reply { message, head, body } => {
                if let Some(pending) = self.request_at(message) {
                    let answer = Answer { head, content: Content::Whole(body) };
                    pending
                        .answer(self, bytes, |asker| asker.handle_reply(now).then_some(Ok(answer)));
                }
            }
            Frame::ReplyStream { request, message, head, length } => {
                self.handle_reply_stream(request, message, head, length, bytes);
            }
            Frame::Failure { message, instance, target, started, reason, detail } => {
                if let Some(pending) = self.request_at(message) {
                    let failure = RequestFailure { instance, target, started, reason, detail };
                    pending.answer(self, bytes, |asker| {
                        asker.handle_failure(now, failure);
                        None
                    });
                }
            }
            Frame::Alive { message, instance, target } => {
                if let Some(pending) = self.request_at(message) {
                    pending.with(self, |asker| asker.handle_alive(now, target, instance));
                }
            }
            _ => {}
        }
    }

    fn handle_reply_stream(
        self: &Arc<Self>,
        request: MessageId,
        message: MessageId,
        head: Box<Head>,
        length: Option<u64>,
        bytes: u64,
    ) {
        let stream = StreamId { message, reply: true };
        if let Some(open) = self.inbound_at(stream, 0) {
            return open.offered_again(self);
        }
        if self.repeat_last_word(stream, 0) {
            return;
        }
        let wanted = self.request_at(request).filter(|pending| !pending.is_over());
        let Some(pending) = wanted else {
            return self.refuse_reply(stream, &head.source, ReasonCode::Gone);
        };
        // The number of answers to a request to all is unknown, so no room is reserved for them.
        let answer = if pending.takes_all() && !self.has_room_for_reply() {
            self.refuse_reply(stream, &head.source, ReasonCode::Overloaded);
            let error = Error::new(ErrorKind::Overloaded, "there is no room here for its reply");
            Err(error.with_executed(Executed::Yes).heard_from(head.source.instance))
        } else {
            let inbound = self.receive_reply(stream, length, &head.source);
            Ok(Answer { head, content: Content::stream(self, inbound, length, None) })
        };
        let now = self.now();
        pending.answer(self, bytes, |asker| asker.handle_reply(now).then_some(answer));
    }

    /// Handles the broker's notice that a request had no receiver.
    pub(super) fn handle_undelivered_request(&self, message: MessageId, targets: Targets) {
        if let Some(pending) = self.request_at(message) {
            pending.with(self, |asker| asker.handle_undelivered(targets));
        }
    }
}
