//! Requests that wait for an answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::{Shared, shared::lock};
use crate::{
    Error, ErrorKind, Executed, MessageId,
    body::Content,
    proto::{
        Reason, ReasonCode,
        frame::{Frame, Head, Receiver, StreamId},
    },
    transport::{Address, Target, Targets, Token},
};

#[derive(Default)]
pub(super) struct Requests(Mutex<BTreeMap<MessageId, Arc<Pending>>>);

/// A request that waits for its answer. The first answer counts.
pub(crate) struct Pending {
    /// Where the group is, to ask whether there is one.
    group: Address,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answer: Option<Result<Answer, Error>>,
    resolved: bool,
    waker: Option<Waker>,
    /// What a plain binding said. It counts only if there is no group.
    plain_failure: Option<Reason>,
    group_is_empty: bool,
    /// Only the group was asked this time.
    group_only: bool,
}

/// The reply to a request.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) content: Content,
}

impl Pending {
    pub(crate) fn resolve(&self, answer: Result<Answer, Error>) {
        let mut state = lock(&self.state);
        if state.resolved {
            drop(state);
            // An answer that comes second is dropped, but not under the lock.
            return drop(answer);
        }
        state.resolved = true;
        state.answer = Some(answer);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_resolved(&self) -> bool {
        lock(&self.state).resolved
    }

    /// The group is about to be asked again.
    pub(crate) fn reopen(&self) {
        let mut state = lock(&self.state);
        let late = state.answer.take();
        state.resolved = false;
        state.group_only = true;
        drop(state);
        drop(late);
    }

    pub(crate) fn poll_answer(&self, cx: &Context<'_>) -> Poll<Result<Answer, Error>> {
        let mut state = lock(&self.state);
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// There is no group: what a plain binding said counts.
    fn group_is_empty(&self) {
        let mut state = lock(&self.state);
        state.group_is_empty = true;
        let failure = state.plain_failure.take();
        let group_only = state.group_only;
        drop(state);
        match failure {
            Some(reason) => self.resolve(Err(of_plain(&reason))),
            None if group_only => self.resolve(Err(ErrorKind::NoReceivers.into())),
            None => {}
        }
    }

    /// A plain binding failed. Returns whether it has to be found out if there is a group.
    fn plain_failed(&self, reason: Reason) -> bool {
        let mut state = lock(&self.state);
        if state.group_is_empty {
            drop(state);
            self.resolve(Err(of_plain(&reason)));
            return false;
        }
        state.plain_failure.replace(reason).is_none()
    }
}

/// What one plain binding said. That it did not run says nothing of the others.
fn of_plain(reason: &Reason) -> Error {
    let error = Error::from_reason(reason);
    match error.executed() {
        Executed::No => error.with_executed(Executed::Maybe),
        _ => error,
    }
}

impl Shared {
    pub(crate) fn expect_answer(&self, message: MessageId, group: Address) -> Arc<Pending> {
        let pending = Arc::new(Pending { group, state: Mutex::default() });
        lock(&self.requests.0).insert(message, Arc::clone(&pending));
        pending
    }

    pub(crate) fn forget_request(&self, message: MessageId) {
        let pending = lock(&self.requests.0).remove(&message);
        drop(pending);
    }

    /// How many requests wait for their answer.
    pub(crate) fn asking(&self) -> usize {
        lock(&self.requests.0).len()
    }

    fn pending(&self, message: MessageId) -> Option<Arc<Pending>> {
        lock(&self.requests.0).get(&message).cloned()
    }

    pub(super) fn end_requests(&self) {
        let pending: Vec<_> = lock(&self.requests.0)
            .iter()
            .map(|(message, pending)| (*message, Arc::clone(pending)))
            .collect();
        for (message, pending) in pending {
            if !pending.is_resolved() {
                let service = pending.group.service().clone();
                self.post(Address::Control { service }, &Frame::Cancel { message });
            }
            let error = Error::from(ErrorKind::Closed).with_executed(Executed::Maybe);
            pending.resolve(Err(error));
        }
    }

    /// A frame that answers a request.
    pub(super) fn handle_answer(self: &Arc<Self>, frame: Frame) {
        match frame {
            Frame::Reply { message, head, body } => {
                if let Some(pending) = self.pending(message) {
                    pending.resolve(Ok(Answer { head, content: Content::Whole(body) }));
                }
            }
            Frame::ReplyStream { request, message, head, length } => {
                self.handle_reply_stream(request, message, head, length);
            }
            Frame::Failure { message, target, reason, .. } => {
                let Some(pending) = self.pending(message) else {
                    return;
                };
                match target {
                    Target::Group => pending.resolve(Err(Error::from_reason(&reason))),
                    Target::Plain => {
                        if pending.plain_failed(reason) {
                            let token = Token { message, targets: Targets::Group };
                            let probe = Frame::Probe { message }.encode();
                            self.post_packet(pending.group.clone(), probe, Some(token));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn handle_reply_stream(
        self: &Arc<Self>,
        request: MessageId,
        message: MessageId,
        head: Head,
        length: Option<u64>,
    ) {
        let stream = StreamId { message, reply: true };
        if let Some(open) = self.inbound_at(stream, 0) {
            return open.offered_again(self);
        }
        if let Some((sender, packet)) = self.last_word(stream, 0) {
            return self.post_packet(sender, packet, None);
        }
        let wanted = self.pending(request).filter(|pending| !pending.is_resolved());
        let Some(pending) = wanted else {
            let receiver = Receiver { instance: self.source.instance, port: 0 };
            let reason = ReasonCode::Gone.into();
            let stop = Frame::Stop { stream, receiver, target: Target::Plain, reason };
            return self.post(Self::inbox_of(&head.source), &stop);
        };
        let inbound = self.receive_reply(stream, length, &head.source);
        let content = Content::stream(self, inbound, length, None);
        pending.resolve(Ok(Answer { head, content }));
    }

    /// The broker says that nobody was there.
    pub(super) fn handle_undelivered(&self, token: Token) {
        self.handle_undelivered_offer(token);
        let Some(pending) = self.pending(token.message) else {
            return;
        };
        match token.targets {
            Targets::Both => pending.resolve(Err(ErrorKind::NoReceivers.into())),
            Targets::Group => pending.group_is_empty(),
            Targets::Plain => {}
        }
    }
}
