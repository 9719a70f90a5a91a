//! Writes packets, and computes their length.

use std::time::Duration;

use bytes::Bytes;

use super::{
    ContentType, HeadRef, Receiver, StreamId, VERSION,
    wire::{PREFIX, flag, put_varint, tag, varint_len},
};
use crate::{
    MessageId, Source,
    address::Target,
    proto::{Detail, Reason},
};

/// A packet being written. If its length is known in advance, it takes one allocation.
pub(super) struct PacketWriter {
    bytes: Vec<u8>,
    /// Where the packet begins.
    start: usize,
}

impl PacketWriter {
    /// Starts a packet, with room for `room` bytes after the prefix.
    pub(super) fn new(kind: u8, room: usize) -> Self {
        Self::append(Vec::with_capacity(PREFIX + room), kind)
    }

    /// Starts a packet after other bytes.
    pub(super) fn append(mut bytes: Vec<u8>, kind: u8) -> Self {
        let start = bytes.len();
        bytes.extend_from_slice(&[VERSION, kind, 0, 0]);
        Self { bytes, start }
    }

    /// Returns the fields so far.
    pub(super) fn fields(&self) -> &[u8] {
        &self.bytes[self.start + PREFIX..]
    }

    /// Writes fields that are encoded already.
    pub(super) fn encoded(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    /// Ends the header, and returns all bytes.
    pub(super) fn header(&mut self) -> &[u8] {
        let (_, packet) = self.bytes.split_at_mut(self.start);
        // Names, headers, texts and content types are bounded, so that no header reaches 64 KiB.
        let header = u16::try_from(packet.len() - PREFIX).unwrap_or(u16::MAX);
        packet[2..PREFIX].copy_from_slice(&header.to_be_bytes());
        &self.bytes
    }

    /// Ends the packet with its body, and returns all bytes.
    pub(super) fn into_bytes(mut self, body: &[u8]) -> Vec<u8> {
        self.header();
        self.bytes.extend_from_slice(body);
        self.bytes
    }

    pub(super) fn finish(self, body: &[u8]) -> Bytes {
        self.into_bytes(body).into()
    }

    #[inline]
    pub(super) fn bytes(&mut self, tag: u8, value: &[u8]) {
        match u8::try_from(value.len()) {
            Ok(length @ ..0x80) => self.bytes.extend_from_slice(&[tag, length]),
            _ => {
                self.bytes.push(tag);
                put_varint(&mut self.bytes, value.len() as u64);
            }
        }
        self.bytes.extend_from_slice(value);
    }

    pub(super) fn number(&mut self, tag: u8, value: u64) {
        let [length, ..] = varint_len(value).to_le_bytes();
        self.bytes.extend_from_slice(&[tag, length]);
        put_varint(&mut self.bytes, value);
    }

    pub(super) fn optional(&mut self, tag: u8, value: Option<u64>) {
        if let Some(value) = value {
            self.number(tag, value);
        }
    }

    pub(super) fn flags(&mut self, flags: u64) {
        if flags != 0 {
            self.number(tag::FLAGS, flags);
        }
    }

    pub(super) fn stream(&mut self, stream: StreamId, flags: u64) {
        self.bytes(tag::MESSAGE, &stream.message.to_bytes());
        self.flags(flags | if stream.reply { flag::REPLY } else { 0 });
    }

    pub(super) fn receiver(&mut self, receiver: Receiver) {
        self.bytes(tag::INSTANCE, &receiver.instance.to_bytes());
        self.number(tag::PORT, receiver.port);
    }

    pub(super) fn target(&mut self, target: Target) {
        self.number(
            tag::TARGET,
            match target {
                Target::Plain => 1,
                Target::Group => 2,
            },
        );
    }

    pub(super) fn reason(&mut self, reason: &Reason) {
        self.number(tag::CODE, reason.code.to_wire());
        if !reason.text.is_empty() {
            self.bytes(tag::TEXT, Reason::cut(&reason.text, Reason::MAX_TEXT).as_bytes());
        }
    }

    pub(super) fn detail(&mut self, detail: &Detail) {
        if !detail.code.is_empty() {
            self.bytes(tag::FAILURE_CODE, Reason::cut(&detail.code, Detail::MAX_CODE).as_bytes());
        }
        self.content_type(detail.content_type.as_ref());
    }

    pub(super) fn content_type(&mut self, content_type: Option<&ContentType>) {
        if let Some(content_type) = content_type {
            self.bytes(tag::CONTENT_TYPE, content_type.as_str().as_bytes());
        }
    }

    pub(super) fn head(&mut self, head: HeadRef<'_>) {
        self.answer(head);
        if let Some(request) = head.request {
            self.bytes(tag::MESSAGE, &request.message.to_bytes());
            self.optional(tag::TIME_LEFT, request.time_left.map(whole_millis));
            self.number(tag::CREDIT, request.credit);
            self.flags(flag::REQUEST);
        }
    }

    /// Writes the fields of a [`Reply`](super::Frame::Reply).
    pub(super) fn reply(&mut self, message: MessageId, head: HeadRef<'_>) {
        self.bytes(tag::MESSAGE, &message.to_bytes());
        self.answer(head);
    }

    /// Writes the fields of a [`Data`](super::Frame::Data).
    pub(super) fn data(&mut self, stream: StreamId, offset: u64) {
        self.stream(stream, 0);
        self.number(tag::OFFSET, offset);
    }

    pub(super) fn source(&mut self, source: &Source) {
        self.bytes(tag::SERVICE, source.service.as_str().as_bytes());
        self.bytes(tag::INSTANCE, &source.instance.to_bytes());
    }

    /// Writes a head without its request.
    pub(super) fn answer(&mut self, head: HeadRef<'_>) {
        self.source(head.source);
        self.content_type(head.content_type);
        for (key, value) in head.headers.iter() {
            let length = varint_len(key.len() as u64) + key.len() + value.len();
            self.bytes.push(tag::HEADER);
            put_varint(&mut self.bytes, length as u64);
            put_varint(&mut self.bytes, key.len() as u64);
            self.bytes.extend_from_slice(key.as_bytes());
            self.bytes.extend_from_slice(value.as_bytes());
        }
        self.optional(tag::SEQUENCE, head.sequence);
    }
}

/// Returns the length of a field. These functions mirror those of [`PacketWriter`].
fn bytes_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

pub(super) fn id_len() -> usize {
    bytes_len(MessageId::LEN)
}

pub(super) fn number_len(value: u64) -> usize {
    bytes_len(varint_len(value))
}

pub(super) fn stream_len(stream: StreamId) -> usize {
    id_len() + if stream.reply { number_len(flag::REPLY) } else { 0 }
}

pub(super) fn head_len(head: HeadRef<'_>) -> usize {
    let request = head.request.map_or(0, |request| {
        id_len()
            + request.time_left.map_or(0, |time| number_len(whole_millis(time)))
            + number_len(request.credit)
            + number_len(flag::REQUEST)
    });
    answer_len(head) + request
}

pub(super) fn answer_len(head: HeadRef<'_>) -> usize {
    let headers = head
        .headers
        .iter()
        .map(|(key, value)| bytes_len(varint_len(key.len() as u64) + key.len() + value.len()));
    bytes_len(head.source.service.as_str().len())
        + id_len()
        + head.content_type.map_or(0, |text| bytes_len(text.as_str().len()))
        + headers.sum::<usize>()
        + head.sequence.map_or(0, number_len)
}

/// Rounds up to milliseconds, so that the answerer does not give up before the asker.
pub(super) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Headers, InstanceId,
        proto::frame::{Head, Request, Single, wire::kind},
    };

    fn heads() -> impl Iterator<Item = Head> {
        let message = MessageId::from_bytes([3; MessageId::LEN]);
        let mut headers = Headers::new();
        headers.add("key", "v".repeat(200)).expect("a header");
        let plain = Head {
            source: Source {
                service: "shop".parse().expect("a name"),
                instance: InstanceId::from_bytes([7; InstanceId::LEN]),
            },
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: None,
        };
        let full = Head {
            content_type: ContentType::new("application/json"),
            headers,
            sequence: Some(1 << 40),
            request: Some(Request {
                message,
                time_left: Some(Duration::from_secs(10)),
                credit: 1 << 20,
            }),
            ..plain.clone()
        };
        [plain, full].into_iter()
    }

    /// A packet of another length than was planned costs an allocation more.
    #[test]
    fn packets_get_as_long_as_planned() {
        let message = MessageId::from_bytes([3; MessageId::LEN]);
        for head in heads() {
            let mut packet = PacketWriter::new(kind::MESSAGE, head_len(head.borrowed()));
            packet.head(head.borrowed());
            assert_eq!(packet.bytes.len(), PREFIX + head_len(head.borrowed()));
            let reply = Single::Reply(message, head.borrowed(), b"body").encode();
            assert_eq!(reply.len(), PREFIX + id_len() + answer_len(head.borrowed()) + 4);
        }
        for reply in [false, true] {
            let stream = StreamId { message, reply };
            let mut packet = PacketWriter::new(kind::DATA, 0);
            packet.stream(stream, 0);
            assert_eq!(packet.bytes.len(), PREFIX + stream_len(stream));
        }
    }
}
