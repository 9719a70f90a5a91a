//! Converts a handler's error for the log and for the asker.

use std::error::Error as StdError;

use crate::{
    driver::Logged,
    error::{Causes, FailureMap, Own},
    proto::{Detail, Reason, ReasonCode},
};

/// The error that a handler returned, with the error of this library found in it, if any.
pub(super) struct Report<'a> {
    error: &'a (dyn StdError + 'static),
    own: Option<Own>,
    code: ReasonCode,
}

impl<'a> Report<'a> {
    pub(super) fn of(error: &'a (dyn StdError + Send + Sync + 'static)) -> Self {
        let own = Own::within(error);
        let code = own.as_ref().map_or(ReasonCode::HandlerFailed, Own::code);
        Self { error, own, code }
    }

    pub(super) fn code(&self) -> ReasonCode {
        self.code
    }

    pub(super) fn event(&self) -> Logged {
        match self.code {
            ReasonCode::NotDecoded => Logged::NotDecoded,
            _ => Logged::HandlerFailed,
        }
    }

    /// Returns what the asker is told: the failure that the error contains, the one that the first
    /// map has for it, or its text.
    pub(super) fn told(&self, maps: [Option<&FailureMap>; 2]) -> (Reason, Detail) {
        let own = self.own.as_ref().and_then(Own::failure).cloned();
        let is_mapped = own.is_none() && self.code == ReasonCode::HandlerFailed;
        let mapped = || maps.into_iter().flatten().find_map(|map| map.failure(self.error));
        if let Some(failure) = own.or_else(|| is_mapped.then(mapped).flatten()) {
            let reason = Reason::new(ReasonCode::HandlerFailed, failure.message());
            return (reason, failure.wire_detail());
        }
        let text = self.error.to_string();
        // A wrapper with a text of its own is kept; a bare error of this library is printed with
        // its causes.
        let text = match &self.own {
            Some(Own::Error(own))
                if self.code != ReasonCode::HandlerFailed || text == own.to_string() =>
            {
                Causes(own).to_string()
            }
            _ => text,
        };
        (Reason::new(self.code, text), Detail::default())
    }
}
