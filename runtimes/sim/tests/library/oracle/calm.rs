//! What has to happen where nothing goes wrong.

use conduit::{Delivery, Error, ErrorKind};

use super::Oracle;
use crate::plan::{Answer, Op, Subject};

impl Oracle {
    pub(crate) fn is_calm(&self) -> bool {
        self.network.calm
    }

    /// How many handlers have to run.
    pub(super) fn expected(&self, op: &Op) -> Option<usize> {
        let expected =
            op.subject.plain() * self.instances[op.service] + usize::from(op.is_for_group());
        self.is_calm().then_some(expected)
    }

    /// Everything succeeds.
    pub(super) fn succeeds(&self, op: &Op, delivery: &Delivery) {
        let Some(expected) = self.expected(op) else {
            return;
        };
        let completed = delivery.completed().len();
        let whole = completed == expected || !op.is_streamed(&self.limits);
        if !whole || !delivery.failed().is_empty() {
            self.wrong(format!("op {}: {expected} have to get it: {delivery:?}", op.id));
        }
    }

    /// Only what the plan says fails, in its own way.
    pub(super) fn fails_as_planned(&self, op: &Op, error: &Error) {
        if !self.is_calm() {
            return;
        }
        let answer = op.request.as_ref().map(|request| &request.answer);
        let planned = match (op.subject, answer) {
            (Subject::Nobody, None) if op.confirm => &[ErrorKind::NoReceivers][..],
            (_, None) => &[],
            (Subject::Nobody, _) => &[ErrorKind::NoReceivers],
            (Subject::Job, _) if op.asks_all() => &[ErrorKind::NoReceivers],
            // A handler that runs at once has nobody to return its error to.
            (_, Some(Answer::Fails)) => &[ErrorKind::HandlerFailed, ErrorKind::NoReply],
            (_, Some(Answer::Panics)) => &[ErrorKind::HandlerPanicked, ErrorKind::NoReply],
            (_, Some(Answer::Nothing)) => &[ErrorKind::NoReply],
            _ => &[],
        };
        if !planned.contains(&error.kind()) {
            self.wrong(format!("op {}: {error:?}, where all has to succeed", op.id));
        }
    }
}
