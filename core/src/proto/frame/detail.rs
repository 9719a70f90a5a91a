use bytes::Bytes;

use super::ContentType;
use crate::proto::Reason;

/// The application's details of a handler's failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// The application's code; empty if there is none.
    pub code: String,
    /// Whether the failure is temporary.
    pub transient: bool,
    /// The media type of the value, if an encoder made it.
    pub content_type: Option<ContentType>,
    /// An encoded value.
    pub value: Bytes,
}

impl Detail {
    /// The maximum length of a code that is sent, in bytes.
    pub const MAX_CODE: usize = 128;
    /// The maximum length of a value, in bytes. A packet with a longer one is invalid.
    pub const MAX_VALUE: usize = 8 << 10;

    /// Creates details with a code, cut to [`MAX_CODE`](Self::MAX_CODE), and no value.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        Self { code: Reason::cut(code, Self::MAX_CODE).to_owned(), ..Self::default() }
    }
}
