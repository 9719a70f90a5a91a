//! What an error of an application's holds of this library.

use std::{
    cell::RefCell,
    error::Error as StdError,
    fmt::{self, Write},
};

use super::Error;
use crate::Failure;

/// An error of this library, perhaps within another one.
pub(crate) enum Own {
    Failure(Failure),
    Error(Error),
}

/// Whether the errors that print themselves in this thread are looked for.
enum Search {
    Off,
    On,
    Found(Own),
}

thread_local! {
    static SEARCH: RefCell<Search> = const { RefCell::new(Search::Off) };
}

/// Ends the search also where an error panics while it prints.
struct Searching;

impl Drop for Searching {
    fn drop(&mut self) {
        SEARCH.set(Search::Off);
    }
}

impl Own {
    /// The outermost one of an error and its sources.
    pub(crate) fn within(error: &(dyn StdError + 'static)) -> Option<Self> {
        super::sources(error).find_map(Self::of)
    }

    /// This error itself, or what it stands for.
    ///
    /// Some hide what they hold: the box that anyhow makes, a transparent variant, a `Box` or an
    /// `Arc` of an error are of another type, and their source is its source. But they print what it
    /// prints. So what is not known by its type is printed, and what is printed [shows](Self::show)
    /// itself.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(Self::Failure(failure.clone()));
        }
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(Self::Error(Error::copy_of(error)));
        }
        let _searching = Searching;
        SEARCH.set(Search::On);
        // Writing to nowhere does not fail.
        let _ = write!(Nowhere, "{error}");
        match SEARCH.replace(Search::Off) {
            Search::Found(own) => Some(own),
            Search::Off | Search::On => None,
        }
    }

    /// Called where one is printed.
    pub(crate) fn show(own: impl FnOnce() -> Self) {
        // A thread that ends searches nothing.
        let _ = SEARCH.try_with(|search| {
            let mut search = search.borrow_mut();
            if matches!(*search, Search::On) {
                *search = Search::Found(own());
            }
        });
    }

    /// What the application says of its failure in its own words: here, or at the other side of a
    /// request that was made here.
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
