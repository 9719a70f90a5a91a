//! Requests that wait for their answer.

mod answers;
mod pending;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub(crate) use self::{
    answers::Room,
    pending::{Answer, Pending, Silence},
};
use super::{Shared, shared::lock};
use crate::{
    Error, ErrorKind, Executed, MessageId, ServiceName,
    body::Content,
    proto::{
        ReasonCode,
        frame::{Frame, Head, StreamId},
    },
    transport::{Address, Target, Targets},
};

#[derive(Default)]
pub(super) struct Requests(Mutex<BTreeMap<MessageId, Arc<Pending>>>);

impl Shared {
    /// Makes a request known to what comes in for it.
    pub(crate) fn expect_answer(&self, message: MessageId, pending: Pending) -> Arc<Pending> {
        let pending = Arc::new(pending);
        lock(&self.requests.0).insert(message, Arc::clone(&pending));
        pending
    }

    pub(crate) fn forget_request(&self, message: MessageId) {
        let pending = lock(&self.requests.0).remove(&message);
        drop(pending);
        self.ended.notify(usize::MAX);
    }

    /// How many requests wait for their answer.
    pub(crate) fn asking(&self) -> usize {
        lock(&self.requests.0).len()
    }

    /// How many bytes of answers wait to be taken.
    pub(crate) fn waiting_in_requests(&self) -> u64 {
        lock(&self.requests.0).values().map(|pending| pending.waiting_bytes()).sum()
    }

    fn pending(&self, message: MessageId) -> Option<Arc<Pending>> {
        let requests = lock(&self.requests.0);
        let first = requests.values().next().filter(|_| planted!(AnswerAnother));
        first.or_else(|| requests.get(&message)).cloned()
    }

    pub(super) fn end_requests(&self) {
        let pending: Vec<_> = lock(&self.requests.0)
            .iter()
            .map(|(message, pending)| (*message, Arc::clone(pending)))
            .collect();
        for (message, pending) in pending {
            if !pending.is_resolved() {
                self.cancel(pending.group().service().clone(), message);
            }
            // A body was given up before, and no receiver of it is confirmed any more.
            let upload = self.outbound_at(StreamId { message, reply: false });
            let executed = upload.map_or(Executed::Maybe, |upload| upload.executed());
            pending.resolve(Err(Error::from(ErrorKind::Closed).with_executed(executed)));
        }
    }

    /// Whoever has a request need not answer it.
    pub(crate) fn cancel(&self, service: ServiceName, message: MessageId) {
        self.post(Address::Control { service }, &Frame::Cancel { message });
    }

    /// A frame that answers a request, or says that it will be answered.
    pub(super) fn handle_answer(self: &Arc<Self>, frame: Frame, bytes: usize) {
        let bytes = bytes as u64;
        match frame {
            Frame::Reply { message, head, body } => {
                if let Some(pending) = self.pending(message) {
                    self.hear_answer(&pending);
                    let answer = Answer { head, content: Content::Whole(body) };
                    pending.answered(&self.waiting, Ok(answer), bytes);
                }
            }
            Frame::ReplyStream { request, message, head, length } => {
                self.handle_reply_stream(request, message, head, length, bytes);
            }
            Frame::Failure { message, instance, target, started, reason, detail } => {
                let Some(pending) = self.pending(message) else {
                    return;
                };
                self.hear_answer(&pending);
                let error = Error::from_failure(&reason, started, detail, instance);
                match target {
                    _ if pending.asks_all() => pending.answered(&self.waiting, Err(error), bytes),
                    Target::Group => pending.resolve(Err(error)),
                    Target::Plain => pending.plain_failed(self.now(), error),
                }
            }
            Frame::Alive { message, instance, target } => {
                if let Some(pending) = self.pending(message) {
                    pending.hear_alive(self.now(), target, instance);
                }
            }
            _ => {}
        }
    }

    /// An answer is a sign of life, where more than one is wanted.
    fn hear_answer(&self, pending: &Pending) {
        if pending.asks_all() {
            pending.hear(self.now(), Target::Plain);
        }
    }

    /// Asks the broker whether there is a group that could answer a request.
    pub(crate) fn probe(&self, message: MessageId, pending: &Pending) {
        pending.probed(self.now() + self.config.retry());
        let token = self.token(message, Targets::Group);
        self.post_packet(pending.group().clone(), Frame::Probe { message }.encode(), Some(token));
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
        let wanted = self.pending(request).filter(|pending| !pending.is_resolved());
        let Some(pending) = wanted else {
            return self.refuse_reply(stream, &head.source, ReasonCode::Gone);
        };
        self.hear_answer(&pending);
        // How many will answer all that are asked is not known: what they may send is not reserved.
        if pending.asks_all() && !self.has_room_for_reply() {
            self.refuse_reply(stream, &head.source, ReasonCode::Overloaded);
            let error = Error::new(ErrorKind::Overloaded, "there is no room here for its reply");
            let error = error.with_executed(Executed::Yes).heard_from(head.source.instance);
            return pending.resolve(Err(error));
        }
        let inbound = self.receive_reply(stream, length, &head.source);
        let content = Content::stream(self, inbound, length, None);
        pending.answered(&self.waiting, Ok(Answer { head, content }), bytes);
    }

    /// The broker says that nobody was there to take a request.
    pub(super) fn handle_undelivered_request(&self, message: MessageId, targets: Targets) {
        let Some(pending) = self.pending(message) else {
            return;
        };
        match targets {
            Targets::Both => pending.nobody_is_there(),
            Targets::Group => pending.group_is_empty(),
            // Who has accepted an offer is known better where its body is sent.
            Targets::Plain if self.outbound_at(StreamId { message, reply: false }).is_some() => {}
            Targets::Plain => pending.plain_is_empty(),
        }
    }
}
