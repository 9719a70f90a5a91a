//! Finds this library's errors within an application's error.

use std::{
    cell::RefCell,
    error::Error as StdError,
    fmt::{self, Write},
};

use super::{Error, ErrorKind};
use crate::{Failure, proto::ReasonCode};

/// An error of this library, perhaps within another one.
pub(crate) enum Own {
    Failure(Failure),
    Error(Error),
}

/// Whether errors that are printed on this thread are recorded.
enum Search {
    Off,
    On,
    Found(Own),
}

thread_local! {
    static SEARCH: RefCell<Search> = const { RefCell::new(Search::Off) };
}

/// Ends the search on drop, even if an error panics while it prints.
struct Searching;

impl Drop for Searching {
    fn drop(&mut self) {
        SEARCH.set(Search::Off);
    }
}

impl Own {
    /// Returns the outermost error of this library among an error and its causes.
    pub(crate) fn within(error: &(dyn StdError + 'static)) -> Option<Self> {
        super::chain(error).find_map(Self::of)
    }

    /// Returns this error, or the error of this library that it wraps.
    ///
    /// Some wrappers hide the error they hold: anyhow's box, a transparent variant, a `Box` or an
    /// `Arc` has another type, and its cause is the cause of the held error. But a wrapper prints
    /// what the held error prints. So an error of an unknown type is printed, and errors of this
    /// library [record](Self::show) themselves when printed.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(Self::Failure(failure.clone()));
        }
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(Self::Error(Error::copy_of(error)));
        }
        let _searching = Searching;
        SEARCH.set(Search::On);
        // `Nowhere` never fails.
        let _ = write!(Nowhere, "{error}");
        match SEARCH.replace(Search::Off) {
            Search::Found(own) => Some(own),
            Search::Off | Search::On => None,
        }
    }

    /// Records an error of this library that is being printed, if a search is on.
    pub(crate) fn show(own: impl FnOnce() -> Self) {
        // Fails only while the thread is being destroyed; no search is on then.
        let _ = SEARCH.try_with(|search| {
            let mut search = search.borrow_mut();
            if matches!(*search, Search::On) {
                *search = Search::Found(own());
            }
        });
    }

    /// Returns what the asker is told of the error of a handler, in which this one was found.
    pub(crate) fn code(&self) -> ReasonCode {
        match self {
            Self::Error(own) if own.is_of_message() => match own.kind() {
                ErrorKind::Decode | ErrorKind::ContentType | ErrorKind::NotText => {
                    ReasonCode::NotDecoded
                }
                ErrorKind::TooLarge => ReasonCode::TooLarge,
                _ => ReasonCode::HandlerFailed,
            },
            _ => ReasonCode::HandlerFailed,
        }
    }

    /// Returns the application's failure, of this handler or of one that it sent a request to.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failure(failure) => Some(failure),
            Self::Error(error) => error.failure(),
        }
    }
}

struct Nowhere;

impl Write for Nowhere {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}
