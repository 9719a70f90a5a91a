//! What answerers say.

use std::time::Instant;

use super::{Asker, AskerEvent, Phase, RequestFailure};
use crate::{InstanceId, address::Target, proto::Executed};

impl Asker {
    /// A reply has come. Returns whether it is taken.
    #[must_use]
    pub fn handle_reply(&mut self, now: Instant) -> bool {
        if self.is_over() {
            return false;
        }
        if self.takes_all {
            self.hear(now, Target::Plain);
        } else {
            self.phase = Phase::Over;
        }
        true
    }

    /// One of all answers was taken: the next one may take its time from now on.
    pub fn handle_taken(&mut self, now: Instant) {
        if self.takes_all {
            self.hear(now, Target::Plain);
        }
    }

    /// An answerer refuses it, or has failed.
    pub fn handle_failure(&mut self, now: Instant, failure: RequestFailure) {
        let executed = failure.executed();
        match failure.target {
            _ if self.is_over() => {}
            _ if self.takes_all => {
                self.hear(now, Target::Plain);
                self.events.push_back(AskerEvent::Failed { failure, executed });
            }
            Target::Group if failure.is_refusal() && !self.is_streamed => {
                self.refused(now, failure);
            }
            Target::Group => self.group_failed(failure),
            Target::Plain => self.plain_failed(now, failure),
        }
    }

    /// An answerer says that the request waits for its handler there, or is being handled.
    pub fn handle_alive(&mut self, now: Instant, target: Target, instance: InstanceId) {
        self.hear(now, target);
        // Where the group has it, what plain bindings say does not matter.
        if target == Target::Group || self.heard.group.is_none() {
            self.heard.from = Some(instance);
        }
    }

    /// A member of the group did not start it: another one may, or the same a moment later.
    pub(super) fn refused(&mut self, now: Instant, failure: RequestFailure) {
        match &mut self.phase {
            Phase::Asking(refusal) => *refusal = Some(failure),
            Phase::Waiting(_) => match self.backoff.again(now, self.give_up, self.limits.refusal) {
                Some(again) => {
                    self.phase = Phase::Pausing(again);
                    (self.heard.group, self.heard.from) = (None, None);
                    self.refusal = Some(failure);
                    self.events.push_back(AskerEvent::NotExecuted);
                }
                None => self.group_failed(failure),
            },
            // The same once more.
            Phase::Pausing(_) | Phase::Over => {}
        }
    }

    /// The group does not answer with a reply. That it did not execute it says nothing of plain bindings.
    pub(super) fn group_failed(&mut self, failure: RequestFailure) {
        let mut executed = failure.executed();
        // Of a streamed request, its body knows who was confirmed.
        if executed == Executed::No && !self.is_streamed {
            self.events.push_back(AskerEvent::NotExecuted);
            executed = self.executed_by_plain();
        }
        self.end(AskerEvent::Failed { failure, executed });
    }

    /// A plain binding has failed. Where the broker has not said that there is no group, it is asked.
    fn plain_failed(&mut self, now: Instant, failure: RequestFailure) {
        if self.absent.group {
            self.end_failed_plain(failure);
        } else if self.plain_failure.is_none() {
            self.plain_failure = Some((failure, now));
            self.probe = Some(now);
        }
    }

    /// What a plain binding has failed with counts. That it did not run says nothing of the others.
    pub(super) fn end_failed_plain(&mut self, failure: RequestFailure) {
        let executed = failure.executed().max(Executed::Maybe);
        self.end(AskerEvent::Failed { failure, executed });
    }
}
