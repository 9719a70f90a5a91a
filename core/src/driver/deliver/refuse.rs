//! Telling senders what is not taken here.

use crate::{
    driver::{Shared, routes::Route},
    proto::{
        Detail, Reason, ReasonCode,
        frame::{Frame, Head, StreamId},
    },
};

impl Shared {
    pub(super) fn refuse_request(&self, route: &Route, head: &Head, code: ReasonCode) {
        let Some(request) = head.request else { return };
        let failure = Frame::Failure {
            message: request.message,
            instance: self.source.instance,
            target: route.target,
            started: false,
            reason: code.into(),
            detail: Detail::default(),
        };
        if code == ReasonCode::Draining {
            self.count_handed_on();
        }
        self.post(Self::inbox_of(&head.source), &failure);
    }

    pub(super) fn refuse_offer(
        &self,
        route: &Route,
        head: &Head,
        id: StreamId,
        port: u64,
        code: ReasonCode,
    ) {
        let stop = Frame::Stop {
            stream: id,
            receiver: self.receiver(port),
            target: route.target,
            reason: Reason::from(code),
        };
        if code == ReasonCode::Draining {
            self.count_handed_on();
        }
        self.post(Self::inbox_of(&head.source), &stop);
    }
}
