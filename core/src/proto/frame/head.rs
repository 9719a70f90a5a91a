use std::{sync::Arc, time::Duration};

use super::{
    ContentType, NameCache,
    packet::PacketWriter,
    wire::{Fields, flag, kind, number, tag, take_varint},
};
use crate::{Headers, MessageId, Source, proto::ProtocolError};

type Result<T> = std::result::Result<T, ProtocolError>;

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

/// An encoded head of one-way messages, without the number, in which they differ.
#[derive(Debug, Clone)]
pub struct EncodedHead(Box<[u8]>);

impl EncodedHead {
    /// Encodes a head, without its number and its request.
    #[must_use]
    pub fn new(head: HeadRef<'_>) -> Self {
        let mut packet = PacketWriter::new(kind::MESSAGE, 0);
        packet.answer(HeadRef { sequence: None, ..head });
        Self(packet.fields().into())
    }

    pub(super) fn fields(&self) -> &[u8] {
        &self.0
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

impl Fields<'_> {
    /// Decodes a head, which may ask.
    pub(super) fn head(&self, names: &mut NameCache) -> Result<Arc<Head>> {
        let request = if self.flags()? & flag::REQUEST == 0 {
            None
        } else {
            Some(Request {
                message: self.message()?,
                time_left: self.get(tag::TIME_LEFT, number)?.map(Duration::from_millis),
                credit: self.need(tag::CREDIT, number)?,
            })
        };
        self.head_with(request, names)
    }

    /// Decodes the head of an answer, which is not a request.
    pub(super) fn answer(&self, names: &mut NameCache) -> Result<Arc<Head>> {
        self.head_with(None, names)
    }

    fn head_with(&self, request: Option<Request>, names: &mut NameCache) -> Result<Arc<Head>> {
        Ok(Arc::new(Head {
            source: self.source(names)?,
            content_type: self.get(tag::CONTENT_TYPE, |value| names.content_type(value))?,
            headers: self.decode_headers()?,
            sequence: self.get(tag::SEQUENCE, number)?,
            request,
        }))
    }

    fn decode_headers(&self) -> Result<Headers> {
        let mut headers = Headers::new();
        for field in self.headers() {
            header(field)
                .and_then(|(key, value)| headers.add(key, value).ok())
                .ok_or(ProtocolError::InvalidField(tag::HEADER))?;
        }
        Ok(headers)
    }
}

/// Decodes a key, with its length, and a value.
fn header(mut field: &[u8]) -> Option<(&str, &str)> {
    let length = usize::try_from(take_varint(&mut field)?).ok()?;
    std::str::from_utf8(field).ok()?.split_at_checked(length)
}
