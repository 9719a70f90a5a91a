use std::time::Duration;

use super::ContentType;
use crate::{Headers, MessageId, Source};

/// Everything of a message but its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The sender.
    pub source: Source,
    /// The media type of the body, if an encoder made it.
    pub content_type: Option<ContentType>,
    /// The headers that the sender added.
    pub headers: Headers,
    /// The number of the message among its sender's messages to this subject, if numbered.
    pub sequence: Option<u64>,
    /// The request, if it is one.
    pub request: Option<Request>,
}

/// A [`Head`] that borrows its parts.
#[derive(Debug, Clone, Copy)]
pub struct HeadRef<'a> {
    /// The sender.
    pub source: &'a Source,
    /// The media type of the body, if an encoder made it.
    pub content_type: Option<&'a ContentType>,
    /// The headers that the sender added.
    pub headers: &'a Headers,
    /// The number of the message among its sender's messages to this subject, if numbered.
    pub sequence: Option<u64>,
    /// The request, if it is one.
    pub request: Option<&'a Request>,
}

impl Head {
    /// Borrows the head.
    #[must_use]
    pub fn borrowed(&self) -> HeadRef<'_> {
        let Self { source, content_type, headers, sequence, request } = self;
        let (content_type, request) = (content_type.as_ref(), request.as_ref());
        HeadRef { source, content_type, headers, sequence: *sequence, request }
    }
}

/// The parameters of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The id of the request. In an offer it is also the id of the stream.
    pub message: MessageId,
    /// How much longer the asker waits, if it has a deadline.
    pub time_left: Option<Duration>,
    /// How many bytes of a streamed reply may be sent before the asker grants more.
    pub credit: u64,
}
