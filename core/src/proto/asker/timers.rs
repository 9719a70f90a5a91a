//! The timers of an asker: probing, asking the group again, and giving up.

use std::time::Instant;

use super::{Asker, AskerEvent, AskerPhase};
use crate::{address::Targets, proto::clock::later};

impl Asker {
    /// Handles the timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_past = |at: &Instant| now >= *at;
        if self.is_over() {
            return;
        }
        if self.deadline.as_ref().is_some_and(is_past) {
            return self.end_unanswered(AskerEvent::Deadline);
        }
        if self.probe_at().as_ref().is_some_and(is_past) {
            self.say_probe = true;
            self.probe = Some(later(now, self.limits.retry));
        }
        match self.phase {
            AskerPhase::Pausing(until) if now >= until => self.ask_group(),
            _ if self.silent_at().as_ref().is_some_and(is_past) => {
                let silence = self.silence();
                self.end_unanswered(silence);
            }
            _ => {}
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), unless there is input before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let pause = match self.phase {
            AskerPhase::Over => return None,
            AskerPhase::Pausing(until) => Some(until),
            _ => None,
        };
        let times = [self.deadline, self.probe_at(), self.silent_at(), pause];
        times.into_iter().flatten().min()
    }

    /// Asks the group again, alone.
    fn ask_group(&mut self) {
        self.phase = AskerPhase::Asking(None);
        self.lanes = &[Targets::Group];
        self.is_repeated = true;
    }

    /// Ends without an answer, and cancels, since a handler may still be running.
    fn end_unanswered(&mut self, event: AskerEvent) {
        self.say_cancel = true;
        self.end(event);
    }

    /// Returns when to probe the broker for a group, if that matters.
    fn probe_at(&self) -> Option<Instant> {
        self.probe.filter(|_| self.heard.group.is_none())
    }

    /// Returns until when an answerer has to be heard from. If the group has the request, plain
    /// bindings do not matter. The failure of a plain binding does not tell whether there is a
    /// group.
    fn silent_at(&self) -> Option<Instant> {
        let AskerPhase::Waiting(asked) = self.phase else {
            return None;
        };
        let limits = &self.limits;
        let (since, limit) = match (&self.plain_failure, self.heard.plain) {
            _ if self.heard.group.is_some() => (self.heard.group, limits.idle),
            (Some((_, failed)), _) => (Some(*failed), limits.answer),
            (None, Some(heard)) => (Some(heard), limits.idle),
            (None, None) => (None, limits.answer),
        };
        since.map_or(asked, |since| since.max(asked)).checked_add(limit)
    }

    /// Returns the event of a silence. Only the broker knows that there is no group: without its
    /// notice, the failure of a plain binding is only reported as a cause.
    fn silence(&mut self) -> AskerEvent {
        let failure = self.plain_failure.take().map(|(failure, _)| *failure);
        let heard_of_plain = self.heard.plain.filter(|_| failure.is_none());
        if self.heard.group.or(heard_of_plain).is_some() {
            AskerEvent::Lost { instance: self.heard.from, failure }
        } else {
            AskerEvent::NoAnswer { failure }
        }
    }
}
