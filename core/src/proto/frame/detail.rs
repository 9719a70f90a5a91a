use bytes::Bytes;

use super::ContentType;
use crate::proto::Reason;

/// What an application adds to the failure of one of its handlers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// Its own name for what happened; empty where it has none.
    pub code: String,
    /// Whether it may pass by itself.
    pub transient: bool,
    /// The media type of the value, where an encoder made it.
    pub content_type: Option<ContentType>,
    /// A value that says more.
    pub value: Bytes,
}

impl Detail {
    /// The longest code that travels, in bytes.
    pub const MAX_CODE: usize = 128;
    /// The longest value, in bytes. A packet with a longer one is invalid.
    pub const MAX_VALUE: usize = 8 << 10;

    /// A code, cut to [`MAX_CODE`](Self::MAX_CODE), and no value.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        Self { code: Reason::cut(code, Self::MAX_CODE).to_owned(), ..Self::default() }
    }
}
