//! Prints an error with all its causes in one line.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
};

use super::{
    ErrorKind, Own,
    text::{Bounded, MOST, Printable, without_values},
};

/// Prints an error and its causes, each once, in one line of bounded length.
///
/// Values that a format quotes in its errors are left out, and control characters are escaped. So it
/// suits a log, and the `Debug` of an error of one's own that a `main` may return.
///
/// ```
/// use std::{error::Error, fmt};
///
/// use conduit::logging::Causes;
///
/// struct NotStarted(std::io::Error);
///
/// impl fmt::Display for NotStarted {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("the service did not start")
///     }
/// }
///
/// impl fmt::Debug for NotStarted {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "{}", Causes(self))
///     }
/// }
///
/// impl Error for NotStarted {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
///
/// let error = NotStarted(std::io::ErrorKind::AddrInUse.into());
/// assert_eq!(format!("{error:?}"), "the service did not start: address in use");
/// ```
pub struct Causes<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Bounded::new(MOST);
        let mut printed = String::new();
        let mut is_of_values = false;
        for error in super::chain(self.0) {
            let mut text = error.to_string();
            if is_of_values {
                text = without_values(&text);
            }
            is_of_values = is_of_values || has_values_below(error);
            // Many errors print their cause themselves.
            if printed.contains(&text) {
                continue;
            }
            let separator = if printed.is_empty() { "" } else { ": " };
            write!(line, "{separator}{}", Printable(&text))?;
            printed.push_str(&text);
        }
        f.write_str(&line.finish())
    }
}

/// Prints the same line.
impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns whether the causes of an error are a format's, which may quote values.
fn has_values_below(error: &(dyn StdError + 'static)) -> bool {
    let own = if error.source().is_some() { Own::of(error) } else { None };
    let Some(Own::Error(own)) = own else { return false };
    matches!(own.kind(), ErrorKind::Decode | ErrorKind::Encode)
}
