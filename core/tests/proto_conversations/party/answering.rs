//! A request that has come to a party, and the machine that answers it.

use std::time::Instant;

use conduit::{
    MessageId, Source,
    proto::{
        Answerer, Detail, Reason,
        frame::{Head, Request},
    },
};

use super::Party;

/// A request until it is dropped.
#[derive(Debug)]
pub(super) struct Answering {
    answerer: Answerer,
    asker: Source,
    request: Request,
}

impl Party {
    /// A request of one packet.
    pub(super) fn handle_request(&mut self, now: Instant, head: &Head) {
        let request = head.request.expect("it asks");
        let (instance, target) = (self.instance.id(), self.instance.target());
        let idle = self.limits.inbound().idle;
        let answerer = Answerer::whole(now, request.message, instance, target, idle);
        self.answering = Some(Answering { answerer, asker: head.source.clone(), request });
    }

    /// The asker needs no answer any more.
    pub(super) fn handle_cancel(&mut self, message: MessageId) {
        if let Some(it) = self.answering.as_mut().filter(|it| it.request.message == message) {
            it.answerer.handle_cancel();
        }
    }

    /// Calls the function of the handler.
    pub(super) fn start_request(&mut self) {
        if let Some(it) = &mut self.answering {
            it.answerer.start();
            it.answerer.begin();
        }
    }

    /// Takes the right to answer: returns who asks, and what.
    pub(super) fn answer(&mut self) -> (Source, Request) {
        let it = self.answering.as_mut().expect("it has a request");
        assert!(it.answerer.reply(), "it was answered before");
        (it.asker.clone(), it.request)
    }

    pub(super) fn refuse_request(&mut self, reason: Reason) {
        let it = self.answering.as_mut().expect("nothing can be refused");
        it.answerer.fail(reason, Detail::default());
        self.drop_request();
    }

    /// Drops the request, which is answered by then if its user has answered it.
    pub(super) fn drop_request(&mut self) {
        if let Some(mut it) = self.answering.take() {
            it.answerer.give_up();
            self.say_answer(&mut it);
        }
    }

    pub(super) fn settle_answering(&mut self, now: Instant) {
        let Some(mut it) = self.answering.take() else { return };
        it.answerer.handle_timeout(now);
        self.say_answer(&mut it);
        let is_cancelled = it.answerer.is_cancelled();
        self.answering = Some(it);
        if is_cancelled {
            self.drop_request();
        }
    }

    pub(super) fn answer_time(&self) -> Option<Instant> {
        self.answering.as_ref().and_then(|it| it.answerer.poll_timeout())
    }

    fn say_answer(&mut self, it: &mut Answering) {
        while let Some(frame) = it.answerer.poll_transmit() {
            self.say(&it.asker, &frame);
        }
    }
}
