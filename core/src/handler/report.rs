//! How a handler's failure is told to its asker.

use std::{any::Any, error::Error as StdError};

use crate::{
    ErrorKind,
    error::{Causes, Own},
    proto::{Detail, Reason, ReasonCode},
};

/// What an error says to the asker: what is found of this library's own in it and its sources, or
/// else what it prints.
pub(super) fn of_error(error: &(dyn StdError + Send + Sync + 'static)) -> (Reason, Detail) {
    let own = Own::within(error);
    if let Some(failure) = own.as_ref().and_then(Own::failure) {
        let reason = Reason::new(ReasonCode::HandlerFailed, failure.message());
        return (reason, failure.wire_detail());
    }
    let text = error.to_string();
    let Some(Own::Error(own)) = own else {
        return (Reason::new(ReasonCode::HandlerFailed, text), Detail::default());
    };
    let code = match own.kind() {
        ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText if own.is_of_message() => {
            ReasonCode::NotDecoded
        }
        ErrorKind::TooLarge if own.is_of_message() => ReasonCode::TooLarge,
        _ => ReasonCode::HandlerFailed,
    };
    // What was put around it is more than its own words; of these, the causes say why.
    let is_bare = text == own.to_string() || code != ReasonCode::HandlerFailed;
    let text = if is_bare { Causes(&own).to_string() } else { text };
    (Reason::new(code, text), Detail::default())
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
