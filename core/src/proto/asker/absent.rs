//! Where no answer comes: silence, and the broker's notices.

use std::time::Instant;

use super::{Asker, AskerEvent, Phase, Retry};
use crate::{proto::Executed, transport::Targets};

impl Asker {
    /// The broker says that nobody was subscribed to what was published for the request. A notice that
    /// contradicts what was heard is ignored.
    pub fn handle_undelivered(&mut self, targets: Targets) {
        match targets {
            _ if self.is_over() => {}
            Targets::Both => self.nobody_is_there(),
            Targets::Group => self.group_is_empty(),
            // Who has accepted an offer is known better where its body is sent.
            Targets::Plain if self.is_streamed && matches!(self.phase, Phase::Asking(_)) => {}
            Targets::Plain => self.plain_is_empty(),
        }
    }

    fn group_is_empty(&mut self) {
        if self.heard.group.is_some() {
            return;
        }
        self.absent.group = true;
        if let Some((failure, _)) = self.plain_failure.take() {
            return self.end_failed_plain(failure);
        }
        // In a pause a member has just been heard of.
        let is_pausing = matches!(self.phase, Phase::Pausing(_));
        if !is_pausing && (self.is_repeated || self.no_plain_has_it()) {
            self.nobody_is_there();
        }
    }

    fn plain_is_empty(&mut self) {
        self.absent.plain = true;
        if self.no_plain_has_it() && (self.absent.group || self.takes_all) {
            self.nobody_is_there();
        }
    }

    /// Nobody got the request, unless somebody was heard of.
    fn nobody_is_there(&mut self) {
        let heard = self.heard.group.or(self.heard.plain).is_some();
        if heard || self.plain_failure.is_some() {
            return;
        }
        match self.refusal.take() {
            Some(refusal) => self.group_failed(refusal),
            None => self.end(AskerEvent::NoReceivers),
        }
    }

    /// Whether no plain binding got the request: the broker said so, and nothing was heard of one.
    fn no_plain_has_it(&self) -> bool {
        self.absent.plain && self.plain_failure.is_none() && self.heard.plain.is_none()
    }

    /// Whether the handler of a plain binding may have been executed, where that of the group was not.
    pub(super) fn executed_by_plain(&self) -> Executed {
        let is_known = self.no_plain_has_it() || planted!(SpeakForOthers);
        if is_known { Executed::No } else { Executed::Maybe }
    }

    /// When to ask the broker whether there is a group, if that matters.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        self.probe.filter(|_| self.heard.group.is_none())
    }

    /// Until when somebody has to be heard of, as far as is known now. Where the group has it, what
    /// plain bindings say does not matter. One of those that has failed says nothing of a group.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let Phase::Waiting(asked) = self.phase else {
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

    /// What the silence means. Only the broker knows that there is no group: without its word, what
    /// a plain binding said is no more than the reason why nothing else was waited for.
    pub(super) fn silence(&mut self) -> AskerEvent {
        let failure = self.plain_failure.take().map(|(failure, _)| failure);
        let heard_of_plain = self.heard.plain.filter(|_| failure.is_none());
        if self.heard.group.or(heard_of_plain).is_some() {
            AskerEvent::Lost { instance: self.heard.from, failure }
        } else {
            AskerEvent::NoAnswer { failure }
        }
    }
}

impl Retry {
    /// When the group is asked after one more refusal, where there is time enough for another one.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        self.backoff.again(now, self.give_up, self.refusal)
    }
}
