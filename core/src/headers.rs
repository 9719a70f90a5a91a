use std::{fmt, sync::Arc};

use thiserror::Error;

/// The headers of a message: keys and values that travel with it.
///
/// A key has 1 to 128 visible ASCII characters, and is compared byte by byte; a value is any text.
/// A message has at most 256 headers, and their keys and values together have at most 8 KiB. A key
/// may occur several times; the order is preserved. Clones share them until one is changed.
///
/// ```
/// use conduit::Headers;
///
/// let mut headers = Headers::new();
/// headers.add("trace", "7f")?;
/// headers.add("trace", "80")?;
/// assert_eq!(headers.get("trace"), Some("7f"));
/// assert_eq!(headers.iter().count(), 2);
/// # Ok::<(), conduit::HeaderError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Option<Arc<Entries>>);

/// Never empty.
#[derive(Clone, PartialEq, Eq)]
struct Entries {
    /// Keys and values, each behind the other.
    text: String,
    /// The lengths of the first key and its value. Most messages with headers have one.
    first: (usize, usize),
    others: Vec<(usize, usize)>,
}

/// The error of an invalid header.
///
/// ```
/// use conduit::{HeaderError, Headers};
///
/// let mut headers = Headers::new();
/// let error = headers.add("a key", "a value").expect_err("a space is not allowed");
/// assert_eq!(error, HeaderError::InvalidKey("a key".to_owned()));
/// let error = headers.add("key", "x".repeat(8 << 10)).expect_err("it is longer than 8 KiB");
/// assert_eq!(error, HeaderError::TooLarge);
/// ```
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The key is empty, longer than 128 bytes, or contains other characters than visible ASCII.
    #[error("{0:?} cannot be a header key: it has to be 1 to 128 visible ASCII characters")]
    InvalidKey(String),
    /// There are too many headers, or they are too long together.
    #[error(
        "a message has at most {} headers and {} bytes of them",
        Headers::MAX_COUNT,
        Headers::MAX_BYTES
    )]
    TooLarge,
}

/// Prints the sentence; `{:#?}` prints the variant.
impl fmt::Debug for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            sentence if !f.alternate() => fmt::Display::fmt(sentence, f),
            Self::InvalidKey(key) => f.debug_tuple("InvalidKey").field(key).finish(),
            Self::TooLarge => f.write_str("TooLarge"),
        }
    }
}

impl Headers {
    /// The maximum length of all keys and values of a message together, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;
    /// The maximum number of headers of a message.
    pub const MAX_COUNT: usize = 256;
    const MAX_KEY: usize = 128;

    /// Creates an empty set of headers.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds a header at the end.
    ///
    /// # Errors
    /// [`HeaderError`] if the key is not valid or the headers would be too large; nothing is added.
    pub fn add(&mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Result<(), HeaderError> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let valid = (1..=Self::MAX_KEY).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !valid {
            return Err(HeaderError::InvalidKey(key.chars().take(64).collect()));
        }
        let bytes = key.len() + value.len();
        let before = self.0.as_ref().map_or(0, |entries| entries.text.len());
        if before + bytes > Self::MAX_BYTES || self.len() == Self::MAX_COUNT {
            return Err(HeaderError::TooLarge);
        }
        let lengths = (key.len(), value.len());
        let Some(entries) = &mut self.0 else {
            let mut text = String::with_capacity(bytes);
            text.push_str(key);
            text.push_str(value);
            self.0 = Some(Arc::new(Entries { text, first: lengths, others: Vec::new() }));
            return Ok(());
        };
        let entries = Arc::make_mut(entries);
        entries.text.push_str(key);
        entries.text.push_str(value);
        entries.others.push(lengths);
        Ok(())
    }

    /// Removes all headers with a key, and adds one.
    ///
    /// # Errors
    /// Those of [`add`](Self::add). Then nothing is removed.
    pub fn set(&mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Result<(), HeaderError> {
        let mut changed = self.without(key.as_ref());
        changed.add(key, value)?;
        *self = changed;
        Ok(())
    }

    /// Removes all headers with a key.
    ///
    /// ```
    /// use conduit::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.add("trace", "7f")?;
    /// headers.set("trace", "80")?;
    /// assert_eq!(headers.iter().collect::<Vec<_>>(), [("trace", "80")]);
    /// headers.remove("trace");
    /// assert!(headers.is_empty());
    /// # Ok::<(), conduit::HeaderError>(())
    /// ```
    pub fn remove(&mut self, key: &str) {
        *self = self.without(key);
    }

    fn without(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        let mut left = Self::new();
        for (name, value) in self.iter().filter(|(name, _)| *name != key) {
            // They fit, since there were more of them.
            let _ = left.add(name, value);
        }
        left
    }

    /// Returns the first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Iterates over all headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let (mut rest, first, others) = match &self.0 {
            Some(entries) => (entries.text.as_str(), Some(&entries.first), &*entries.others),
            None => ("", None, &[][..]),
        };
        first.into_iter().chain(others).map(move |(key, value)| {
            let (key, after) = rest.split_at(*key);
            let (value, after) = after.split_at(*value);
            rest = after;
            (key, value)
        })
    }

    /// Returns the number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| 1 + entries.others.len())
    }

    /// Returns whether there are no headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
