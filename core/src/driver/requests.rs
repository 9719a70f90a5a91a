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
    pending::{Answer, NoAnswer, Pending, RequestStep},
};
use super::{Content, ground::Ground, streams::Streams};
use crate::{
    Error, ErrorKind, Executed, MessageId,
    lock::lock,
    proto::{
        ReasonCode, RequestFailure,
        frame::{Frame, Head, StreamId},
    },
    transport::Targets,
};

pub(crate) struct Requests {
    ground: Arc<Ground>,
    streams: Arc<Streams>,
    pending: Mutex<BTreeMap<MessageId, Arc<Pending>>>,
}

impl Requests {
    pub(super) fn new(ground: Arc<Ground>, streams: Arc<Streams>) -> Self {
        Self { ground, streams, pending: Mutex::default() }
    }

    /// Registers a request, so that its answers find it.
    pub(crate) fn expect(&self, message: MessageId, pending: &Arc<Pending>) {
        lock(&self.pending).insert(message, Arc::clone(pending));
    }

    pub(crate) fn forget(&self, message: MessageId) {
        let pending = lock(&self.pending).remove(&message);
        drop(pending);
        self.ground.ended.notify(usize::MAX);
    }

    /// Returns how many bytes of a streamed reply to a new request may be sent before they are
    /// granted. All replies that are awaited share the way here, as bodies of several senders do, but
    /// each gets a chunk.
    pub(crate) fn first_credit(&self, takes_all: bool) -> u64 {
        let config = &self.ground.config;
        let first = config.first(self.ground.transport.body_budget());
        let part = if takes_all { 0 } else { first / (self.len() as u64 + 1) };
        part.max(first.min(config.chunk as u64))
    }

    /// Returns how many requests wait for an answer.
    pub(crate) fn len(&self) -> usize {
        lock(&self.pending).len()
    }

    /// Returns how many bytes of answers wait to be taken.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        lock(&self.pending).values().map(|pending| pending.waiting_bytes()).sum()
    }

    fn at(&self, message: MessageId) -> Option<Arc<Pending>> {
        lock(&self.pending).get(&message).cloned()
    }

    pub(super) fn end(&self) {
        let pending: Vec<_> = lock(&self.pending)
            .iter()
            .map(|(message, pending)| (*message, Arc::clone(pending)))
            .collect();
        for (message, pending) in pending {
            // Its body was aborted before, and no further receiver will be confirmed.
            let upload = self.streams.outbound_at(StreamId { message, reply: false });
            let executed = upload.map_or(Executed::Maybe, |upload| upload.executed());
            pending.close(&self.ground, executed);
        }
    }

    /// Handles a frame that answers a request, or is a sign of life.
    pub(super) fn handle_answer(&self, frame: Frame, bytes: usize) {
        let (now, bytes) = (self.ground.now(), bytes as u64);
        match frame {
            Frame::Reply { message, head, body } => {
                if let Some(pending) = self.at(message) {
                    let answer = Answer { head, content: Content::Whole(body) };
                    pending.answer(&self.ground, bytes, |asker| {
                        asker.handle_reply(now).then_some(Ok(answer))
                    });
                }
            }
            Frame::ReplyStream { request, message, head, length } => {
                self.handle_reply_stream(request, message, head, length, bytes);
            }
            Frame::Failure { message, instance, target, started, reason, detail } => {
                if let Some(pending) = self.at(message) {
                    let failure = RequestFailure { instance, target, started, reason, detail };
                    pending.answer(&self.ground, bytes, |asker| {
                        asker.handle_failure(now, failure);
                        None
                    });
                }
            }
            Frame::Alive { message, instance, target } => {
                if let Some(pending) = self.at(message) {
                    pending.with(&self.ground, |asker| asker.handle_alive(now, target, instance));
                }
            }
            _ => {}
        }
    }

    fn handle_reply_stream(
        &self,
        request: MessageId,
        message: MessageId,
        head: Arc<Head>,
        length: Option<u64>,
        bytes: u64,
    ) {
        let stream = StreamId { message, reply: true };
        if let Some(open) = self.streams.inbound_at(stream, 0) {
            return open.offered_again();
        }
        if self.streams.repeat_last_word(stream, 0) {
            return;
        }
        let wanted = self.at(request).filter(|pending| !pending.is_over());
        let Some(pending) = wanted else {
            return self.streams.refuse_reply(stream, &head.source, ReasonCode::Gone);
        };
        // The number of answers to a request to all is unknown, so no room is reserved for them.
        let answer = if pending.takes_all() && !self.streams.has_room_for_reply() {
            self.streams.refuse_reply(stream, &head.source, ReasonCode::Overloaded);
            let error = Error::new(ErrorKind::Overloaded, "there is no room here for its reply");
            Err(error.with_executed(Executed::Yes).heard_from(head.source.instance))
        } else {
            let inbound =
                self.streams.receive_reply(stream, length, pending.credit(), &head.source);
            Ok(Answer { head, content: Content::stream(inbound, length, None) })
        };
        let now = self.ground.now();
        pending.answer(&self.ground, bytes, |asker| asker.handle_reply(now).then_some(answer));
    }

    /// Handles the broker's notice that a request had no receiver.
    pub(super) fn handle_undelivered(&self, message: MessageId, targets: Targets) {
        if let Some(pending) = self.at(message) {
            pending.with(&self.ground, |asker| asker.handle_undelivered(targets));
        }
    }
}
