//! What a handler's failure is for its log and for its asker.

use std::{any::Any, error::Error as StdError};

use crate::{
    ErrorKind,
    driver::Logged,
    error::{Causes, Own},
    proto::{Detail, Reason, ReasonCode},
};

/// What a handler has returned as its error: what is found of this library's own in it and its
/// sources, or else what it prints.
pub(super) struct Report<'a> {
    error: &'a (dyn StdError + 'static),
    own: Option<Own>,
    code: ReasonCode,
}

impl<'a> Report<'a> {
    pub(super) fn of(error: &'a (dyn StdError + Send + Sync + 'static)) -> Self {
        let own = Own::within(error);
        let code = match &own {
            Some(Own::Error(own)) if own.is_of_message() => match own.kind() {
                ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText => {
                    ReasonCode::NotDecoded
                }
                ErrorKind::TooLarge => ReasonCode::TooLarge,
                _ => ReasonCode::HandlerFailed,
            },
            _ => ReasonCode::HandlerFailed,
        };
        Self { error, own, code }
    }

    pub(super) fn event(&self) -> Logged {
        match self.code {
            ReasonCode::NotDecoded => Logged::NotDecoded,
            _ => Logged::HandlerFailed,
        }
    }

    /// What the asker is told.
    pub(super) fn told(&self) -> (Reason, Detail) {
        if let Some(failure) = self.own.as_ref().and_then(Own::failure) {
            let reason = Reason::new(ReasonCode::HandlerFailed, failure.message());
            return (reason, failure.wire_detail());
        }
        let text = self.error.to_string();
        // What was put around an error of this library is more than its own words; of these, the
        // causes say why.
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

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
