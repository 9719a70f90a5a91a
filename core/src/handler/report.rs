//! How a handler's failure is told to its asker.

use std::{any::Any, error::Error as StdError};

use crate::{
    Error, ErrorKind, Executed, Failure,
    proto::{Detail, Reason, ReasonCode},
};

/// What an error says to the asker.
pub(super) fn of_error(error: &(dyn StdError + Send + Sync + 'static)) -> (Reason, Detail) {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        let reason = Reason::new(ReasonCode::HandlerFailed, failure.message());
        return (reason, failure.wire_detail());
    }
    // What was wrong with a reply to the handler says that somebody else was executed.
    let own = error
        .downcast_ref::<Error>()
        .filter(|error| error.executed() == Executed::No)
        .map(Error::kind);
    let code = match own {
        Some(ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText) => {
            ReasonCode::NotDecoded
        }
        Some(ErrorKind::TooLarge) => ReasonCode::TooLarge,
        _ => ReasonCode::HandlerFailed,
    };
    (Reason::new(code, error.to_string()), Detail::default())
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
