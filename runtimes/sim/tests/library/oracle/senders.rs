//! What those who send and ask may be told.

use std::time::Duration;

use conduit::{Delivery, Error, Executed, InstanceId};

use super::{Ended, Oracle};
use crate::plan::{Answer, Op, content};

impl Oracle {
    /// The sender of a one-way message has its result.
    pub(crate) fn sent(&self, op: &Op, result: &Result<Delivery, Error>) {
        self.log(|| format!("op {}: sent: {result:?}", op.id));
        match result {
            Ok(delivery) => {
                self.delivered(op, delivery.completed());
                self.partly_failed(op, delivery);
                self.succeeds(op, delivery);
            }
            Err(error) => self.failed(op, error),
        }
    }

    fn delivered(&self, op: &Op, completed: &[InstanceId]) {
        if op.body.fails() && !completed.is_empty() {
            self.wrong(format!("op {}: delivered, though its producer failed", op.id));
        }
        let whole = self.seen(op, |seen| seen.whole.clone());
        for instance in completed {
            let named = completed.iter().filter(|other| *other == instance).count();
            let mut places: Vec<_> = whole.iter().filter(|at| at.instance == *instance).collect();
            places.sort();
            places.dedup();
            if places.len() < named {
                self.wrong(format!(
                    "op {}: a wrong Ok: {named} at {instance}, but {places:?} have it",
                    op.id
                ));
            }
        }
    }

    fn partly_failed(&self, op: &Op, delivery: &Delivery) {
        delivery.failed().iter().for_each(|failed| self.is_typed(op, &failed.error));
        let failed = delivery.failed().iter();
        let not_executed = failed.filter(|failed| failed.error.executed() == Executed::No);
        let instances = not_executed.map(|failed| failed.instance);
        self.seen(op, |seen| seen.not_executed_at.extend(instances));
    }

    pub(crate) fn failed(&self, op: &Op, error: &Error) {
        self.is_typed(op, error);
        self.fails_as_planned(op, error);
        let ran = self.seen(op, |seen| {
            if error.executed() == Executed::No {
                seen.not_executed = Some(format!("{error:?}"));
            }
            seen.error = Some(error.kind());
            !seen.runs.is_empty()
        });
        if error.executed() == Executed::Yes && !ran {
            self.wrong(format!("op {}: {error:?}, but no handler ran", op.id));
        }
    }

    /// One of all that were asked has failed, or all of them have.
    pub(crate) fn one_failed(&self, op: &Op, error: &Error) {
        let Some(instance) = error.instance() else {
            return self.failed(op, error);
        };
        self.is_typed(op, error);
        self.fails_as_planned(op, error);
        let ran = self.seen(op, |seen| {
            if error.executed() == Executed::No {
                seen.not_executed_at.push(Some(instance));
            }
            seen.runs.iter().any(|run| run.instance == instance)
        });
        if error.executed() == Executed::Yes && !ran {
            self.wrong(format!("op {}: {error:?}, but no handler ran at {instance}", op.id));
        }
    }

    /// All that were asked have answered, as far as they will.
    pub(crate) fn all_answered(&self, op: &Op, answers: usize) {
        self.log(|| format!("op {}: {answers} answers", op.id));
        let nobody = op.subject.plain() == 0;
        let is_right = |expected| answers == if nobody { 1 } else { expected };
        if !self.expected(op).is_none_or(is_right) {
            self.wrong(format!("op {}: {answers} answers", op.id));
        }
    }

    /// The sender drops it.
    pub(crate) fn given_up(&self, op: &Op, now: Duration) {
        self.log(|| format!("op {}: dropped", op.id));
        self.seen(op, |seen| seen.given_up = Some(now));
    }

    /// The asker has a reply, and has read it or some of it.
    pub(crate) fn replied(&self, op: &Op, by: InstanceId, got: &[u8], ended: &Ended) {
        self.log(|| format!("op {}: reply by {by}, read {}: {ended:?}", op.id, got.len()));
        let what = format!("reply to op {}", op.id);
        if !self.seen(op, |seen| seen.runs.iter().any(|at| at.instance == by)) {
            self.wrong(format!("{what}: by {by}, where no handler ran"));
        }
        let Some((whole, fails)) = planned_reply(op) else {
            return self.wrong(format!("{what}: there is one"));
        };
        self.check_body(&what, &whole, fails, got, ended);
        if let Ended::Failed(error) = ended {
            self.failed(op, error);
        }
    }

    /// The asker has read every byte of a reply; its end was not yet seen.
    pub(crate) fn reply_read_all(&self, op: &Op, got: &[u8]) {
        if planned_reply(op).is_some_and(|(whole, _)| whole == got) {
            self.seen(op, |seen| seen.reply_whole = true);
        }
    }
}

/// What the reply holds, and whether its producer fails at the end.
fn planned_reply(op: &Op) -> Option<(Vec<u8>, bool)> {
    match &op.request.as_ref()?.answer {
        Answer::Reply(body) | Answer::ReplyFirst(body) => {
            Some((content(op.id, true, body.length), body.fails()))
        }
        Answer::Echo => Some((content(op.id, false, op.body.length), op.body.fails())),
        Answer::Fails | Answer::Panics | Answer::Nothing => None,
    }
}
