//! How an asker handles answers.

use std::time::Instant;

use super::{Asker, AskerEvent, AskerPhase, RequestFailure};
use crate::{Executed, InstanceId, address::Target};

impl Asker {
    /// Handles a reply. Returns whether it is accepted.
    #[must_use]
    pub fn handle_reply(&mut self, now: Instant) -> bool {
        if self.is_over() {
            return false;
        }
        if self.takes_all {
            self.hear(now, Target::Plain);
        } else {
            self.phase = AskerPhase::Over;
        }
        true
    }

    /// Notes that one of all answers was taken: the time for the next one starts now.
    pub fn handle_taken(&mut self, now: Instant) {
        if self.takes_all {
            self.hear(now, Target::Plain);
        }
    }

    /// Handles a failure: an answerer refuses the request, or has failed.
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

    /// Handles a sign of life: the request waits for its handler at an answerer, or is being
    /// handled.
    pub fn handle_alive(&mut self, now: Instant, target: Target, instance: InstanceId) {
        self.hear(now, target);
        // If the group has the request, plain bindings do not matter.
        if target == Target::Group || self.heard.group.is_none() {
            self.heard.from = Some(instance);
        }
    }

    /// Handles a member's refusal: asks the group again, since another member may take the request,
    /// or the same one later.
    pub(super) fn refused(&mut self, now: Instant, failure: RequestFailure) {
        match &mut self.phase {
            AskerPhase::Asking(refusal) => *refusal = Some(Box::new(failure)),
            AskerPhase::Waiting(_) => {
                match self.backoff.again(now, self.give_up, self.limits.refusal) {
                    Some(again) => {
                        self.phase = AskerPhase::Pausing(again);
                        (self.heard.group, self.heard.from) = (None, None);
                        self.refusal = Some(Box::new(failure));
                        self.events.push_back(AskerEvent::NotExecuted);
                    }
                    None => self.group_failed(failure),
                }
            }
            // A repeated refusal.
            AskerPhase::Pausing(_) | AskerPhase::Over => {}
        }
    }

    /// Ends with the failure of the group. Even if it did not execute the request, plain bindings
    /// may have.
    pub(super) fn group_failed(&mut self, failure: RequestFailure) {
        let mut executed = failure.executed();
        // For a streamed request, the sending half of the body knows which receivers were
        // confirmed.
        if executed == Executed::No && !self.is_streamed {
            self.events.push_back(AskerEvent::NotExecuted);
            executed = self.executed_by_plain();
        }
        self.end(AskerEvent::Failed { failure, executed });
    }

    /// Handles the failure of a plain binding. Probes the broker, unless there is known to be no
    /// group.
    fn plain_failed(&mut self, now: Instant, failure: RequestFailure) {
        if self.absent.group {
            self.end_failed_plain(failure);
        } else if self.plain_failure.is_none() {
            self.plain_failure = Some((Box::new(failure), now));
            self.probe = Some(now);
        }
    }

    /// Ends with the failure of a plain binding. Even if that one did not run, others may have.
    pub(super) fn end_failed_plain(&mut self, failure: RequestFailure) {
        let executed = failure.executed().max(Executed::Maybe);
        self.end(AskerEvent::Failed { failure, executed });
    }
}
