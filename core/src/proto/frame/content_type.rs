use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::MAX_CONTENT_TYPE;

/// A media type: 1 to 128 printable ASCII characters. Cheap to clone.
#[derive(Clone)]
pub struct ContentType(Text);

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl ContentType {
    /// Creates a media type from a static text; `None` if it is empty, too long or not printable
    /// ASCII.
    #[must_use]
    pub fn from_static(text: &'static str) -> Option<Self> {
        Self::is_valid(text).then_some(Self(Text::Static(text)))
    }

    /// Creates a media type; `None` if it is empty, too long or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::is_valid(text).then(|| Self(Text::Shared(text.into())))
    }

    /// Returns the media type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }

    fn is_valid(text: &str) -> bool {
        // Every encoded value is sent with one: without an early end, the loop is vectorized.
        let is_printable = text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
        (1..=MAX_CONTENT_TYPE).contains(&text.len()) && is_printable
    }
}

impl PartialEq for ContentType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ContentType {}

impl Hash for ContentType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
