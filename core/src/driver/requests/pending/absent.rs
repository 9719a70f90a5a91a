//! What is known where a request has no answer: of silence, of the broker's notices, and of plain
//! bindings that fail beside a group.

use std::time::Instant;

use super::{Pending, Silence, wake};
use crate::{Error, ErrorKind, Executed, driver::shared::lock};

impl Pending {
    /// Until when somebody has to be heard of, as far as is known now. Where the group has it, what
    /// plain bindings say does not matter. One of those that has failed says nothing of a group.
    pub(crate) fn silent_at(&self, limits: Silence) -> Option<Instant> {
        let state = lock(&self.state);
        let (since, limit) = match (&state.plain_failure, state.heard_of_plain) {
            _ if state.heard_of_group.is_some() => (state.heard_of_group, limits.idle),
            (Some((_, failed)), _) => (Some(*failed), limits.answer),
            (None, Some(heard)) => (Some(heard), limits.idle),
            (None, None) => (None, limits.answer),
        };
        let asked = state.asked?;
        since.map_or(asked, |since| since.max(asked)).checked_add(limit)
    }

    /// What the silence means. Only the broker knows that there is no group: without its word, what
    /// a plain binding said is no more than the reason why nothing else was waited for.
    pub(crate) fn silence(&self) -> Error {
        let mut state = lock(&self.state);
        let failure = state.plain_failure.take();
        let heard_of_plain = state.heard_of_plain.filter(|_| failure.is_none());
        let error = match (state.heard_of_group.or(heard_of_plain), state.heard_from) {
            (Some(_), instance) => {
                let error = Error::new(ErrorKind::Lost, "it had the request, and fell silent");
                instance.into_iter().fold(error, Error::heard_from)
            }
            (None, _) if failure.is_some() => {
                let text = "a bind has failed, and nothing was heard of a group";
                Error::new(ErrorKind::NoAnswer, text)
            }
            (None, _) => Error::new(ErrorKind::NoAnswer, "nobody said to have the request"),
        };
        let error = error.with_executed(Executed::Maybe);
        match failure {
            Some((failure, _)) => error.because_of(failure),
            None => error,
        }
    }

    /// The broker says that there is no group: what a plain binding said counts. A notice that
    /// contradicts what was heard is ignored.
    pub(in crate::driver) fn group_is_empty(&self) {
        let mut state = lock(&self.state);
        if state.heard_of_group.is_some() {
            return;
        }
        state.group_is_empty = true;
        let failure = state.plain_failure.take();
        let nobody = state.group_only || state.no_plain_has_it();
        drop(state);
        match failure {
            Some((failure, _)) => self.resolve(Err(failure)),
            None if nobody => self.nobody_is_there(),
            None => {}
        }
    }

    /// The broker says that no plain binding got the request.
    pub(in crate::driver) fn plain_is_empty(&self) {
        let mut state = lock(&self.state);
        state.plain_is_empty = true;
        let nobody = state.no_plain_has_it() && (state.group_is_empty || self.asks_all());
        drop(state);
        if nobody {
            self.nobody_is_there();
        }
    }

    /// Nobody got the request, unless somebody was heard of.
    pub(in crate::driver) fn nobody_is_there(&self) {
        let state = lock(&self.state);
        let heard = state.heard_of_group.or(state.heard_of_plain).is_some();
        let contradicted = heard || state.plain_failure.is_some();
        drop(state);
        if !contradicted {
            self.resolve(Err(ErrorKind::NoReceivers.into()));
        }
    }

    /// Whether a handler may have been executed, where the group has refused: that of a plain
    /// binding may, unless the broker has said that none got the request.
    pub(crate) fn executed_beside_group(&self) -> Executed {
        let is_known = lock(&self.state).no_plain_has_it() || planted!(SpeakForOthers);
        if is_known { Executed::No } else { Executed::Maybe }
    }

    /// A plain binding failed. Where the broker has not said that there is no group, it is asked.
    pub(in crate::driver) fn plain_failed(&self, now: Instant, error: Error) {
        let error = of_plain(error);
        let mut state = lock(&self.state);
        if state.group_is_empty {
            drop(state);
            return self.resolve(Err(error));
        }
        if state.plain_failure.is_some() {
            drop(state);
            return drop(error);
        }
        state.plain_failure = Some((error, now));
        state.probe_at = Some(now);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// When to ask the broker whether there is a group, if that matters.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        let state = lock(&self.state);
        state.probe_at.filter(|_| state.heard_of_group.is_none())
    }

    /// The broker is asked, and will be again if it does not answer.
    pub(crate) fn probed(&self, again: Instant) {
        lock(&self.state).probe_at = Some(again);
    }
}

/// What one plain binding said. That it did not run says nothing of the others.
fn of_plain(error: Error) -> Error {
    match error.executed() {
        Executed::No => error.with_executed(Executed::Maybe),
        _ => error,
    }
}
