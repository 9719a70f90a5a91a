//! How an asker handles the broker's notices of undelivered packets.

use super::{Asker, AskerEvent, AskerPhase};
use crate::{Executed, address::Targets};

impl Asker {
    /// Handles a notice that a packet of the request had no subscriber. A notice that contradicts
    /// what an answerer said is ignored.
    pub fn handle_undelivered(&mut self, targets: Targets) {
        match targets {
            _ if self.is_over() => {}
            Targets::Both => self.no_receivers(),
            Targets::Group => self.group_is_empty(),
            // The sending half of the body knows which receivers have accepted.
            Targets::Plain if self.is_streamed && matches!(self.phase, AskerPhase::Asking(_)) => {}
            Targets::Plain => self.plain_is_empty(),
        }
    }

    fn group_is_empty(&mut self) {
        if self.heard.group.is_some() {
            return;
        }
        self.absent.group = true;
        if let Some((failure, _)) = self.plain_failure.take() {
            return self.end_failed_plain(*failure);
        }
        // During a pause: a member has just answered, so the group exists.
        let is_pausing = matches!(self.phase, AskerPhase::Pausing(_));
        if !is_pausing && (self.is_repeated || self.no_plain_has_it()) {
            self.no_receivers();
        }
    }

    fn plain_is_empty(&mut self) {
        self.absent.plain = true;
        if self.no_plain_has_it() && (self.absent.group || self.takes_all) {
            self.no_receivers();
        }
    }

    /// Ends the request, since no binding received it, unless an answerer was heard from.
    fn no_receivers(&mut self) {
        let heard = self.heard.group.or(self.heard.plain).is_some();
        if heard || self.plain_failure.is_some() {
            return;
        }
        match self.refusal.take() {
            Some(refusal) => self.group_failed(*refusal),
            None => self.end(AskerEvent::NoReceivers),
        }
    }

    /// Returns whether no plain binding received the request: the broker reported that, and none
    /// was heard from.
    fn no_plain_has_it(&self) -> bool {
        self.absent.plain && self.plain_failure.is_none() && self.heard.plain.is_none()
    }

    /// Returns whether the handler of a plain binding may have been executed, if that of the group
    /// was not.
    pub(super) fn executed_by_plain(&self) -> Executed {
        if self.no_plain_has_it() { Executed::No } else { Executed::Maybe }
    }
}
