use std::time::Duration;

use bytes::Bytes;

use super::{
    ContentType, Frame, Head, Receiver, StreamId, VERSION,
    wire::{Header, PREFIX, flag, kind, put_varint, tag, varint_len},
};
use crate::{
    proto::{Detail, Reason},
    transport::Target,
};

impl Frame {
    /// The packet of this frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut packet = Packet::new(self.kind());
        match self {
            Self::Message { head, body } => return Self::message(head, body),
            Self::Offer { head, message, target, length } => {
                packet.head(head);
                if head.request.is_none() {
                    packet.bytes(tag::MESSAGE, &message.to_bytes());
                }
                packet.target(*target);
                packet.optional(tag::LENGTH, *length);
            }
            Self::Accept { message, receiver, target, credit } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.receiver(*receiver);
                packet.target(*target);
                packet.number(tag::CREDIT, *credit);
            }
            Self::Confirm { message, port } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.number(tag::PORT, *port);
            }
            Self::Data { stream, offset, body } => return Self::data(*stream, *offset, body),
            Self::End { stream, length, checksum } => {
                packet.stream(*stream, 0);
                packet.number(tag::LENGTH, *length);
                packet.bytes(tag::CHECKSUM, &checksum.to_be_bytes());
            }
            Self::Credit { stream, receiver, have, credit, done } => {
                packet.stream(*stream, if *done { flag::DONE } else { 0 });
                packet.receiver(*receiver);
                packet.number(tag::OFFSET, *have);
                packet.number(tag::CREDIT, *credit);
            }
            Self::Ping { stream } => packet.stream(*stream, 0),
            Self::Reset { stream, port, reason } => {
                packet.stream(*stream, 0);
                packet.optional(tag::PORT, *port);
                packet.reason(reason);
            }
            Self::Stop { stream, receiver, target, reason } => {
                packet.stream(*stream, 0);
                packet.receiver(*receiver);
                packet.target(*target);
                packet.reason(reason);
            }
            Self::Reply { message, head, .. } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.answer(head);
            }
            Self::ReplyStream { request, message, head, length } => {
                packet.bytes(tag::REQUEST, &request.to_bytes());
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.answer(head);
                packet.optional(tag::LENGTH, *length);
            }
            Self::Failure { message, instance, target, reason, detail } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.bytes(tag::INSTANCE, &instance.to_bytes());
                packet.target(*target);
                packet.reason(reason);
                packet.detail(detail);
            }
            Self::Cancel { message } | Self::Probe { message } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
            }
            Self::Alive { message, instance, target } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.bytes(tag::INSTANCE, &instance.to_bytes());
                packet.target(*target);
            }
        }
        packet.finish(self.body())
    }

    /// The packet of a [`Message`](Self::Message), from its parts.
    #[must_use]
    pub fn message(head: &Head, body: &[u8]) -> Bytes {
        let mut packet = Packet::new(kind::MESSAGE);
        packet.head(head);
        packet.finish(body)
    }

    /// The packet of a [`Data`](Self::Data), from its parts.
    #[must_use]
    pub fn data(stream: StreamId, offset: u64, body: &[u8]) -> Bytes {
        let mut packet = Packet::new(kind::DATA);
        packet.stream(stream, 0);
        packet.number(tag::OFFSET, offset);
        packet.finish(body)
    }

    fn body(&self) -> &[u8] {
        match self {
            Self::Message { body, .. } | Self::Data { body, .. } | Self::Reply { body, .. } => body,
            Self::Failure { detail, .. } => &detail.value,
            _ => &[],
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Message { .. } => kind::MESSAGE,
            Self::Offer { .. } => kind::OFFER,
            Self::Accept { .. } => kind::ACCEPT,
            Self::Confirm { .. } => kind::CONFIRM,
            Self::Data { .. } => kind::DATA,
            Self::End { .. } => kind::END,
            Self::Credit { .. } => kind::CREDIT,
            Self::Ping { .. } => kind::PING,
            Self::Reset { .. } => kind::RESET,
            Self::Stop { .. } => kind::STOP,
            Self::Reply { .. } => kind::REPLY,
            Self::ReplyStream { .. } => kind::REPLY_STREAM,
            Self::Failure { .. } => kind::FAILURE,
            Self::Cancel { .. } => kind::CANCEL,
            Self::Alive { .. } => kind::ALIVE,
            Self::Probe { .. } => kind::PROBE,
        }
    }
}

/// The header of a packet in the making. Most are short and never leave the stack: then the packet
/// is the only allocation, of just its length.
struct Packet(Header);

impl Packet {
    fn new(kind: u8) -> Self {
        let mut bytes = Header::new();
        bytes.extend_from_slice(&[VERSION, kind, 0, 0]);
        Self(bytes)
    }

    fn finish(mut self, body: &[u8]) -> Bytes {
        // Names, headers, texts and content types are bounded, so that no header reaches 64 KiB.
        let header = u16::try_from(self.0.len() - PREFIX).unwrap_or(u16::MAX);
        self.0[2..PREFIX].copy_from_slice(&header.to_be_bytes());
        let mut packet = Vec::with_capacity(self.0.len() + body.len());
        packet.extend_from_slice(&self.0);
        packet.extend_from_slice(body);
        packet.into()
    }

    fn bytes(&mut self, tag: u8, value: &[u8]) {
        self.0.push(tag);
        put_varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, tag: u8, value: u64) {
        self.0.push(tag);
        put_varint(&mut self.0, varint_len(value) as u64);
        put_varint(&mut self.0, value);
    }

    fn optional(&mut self, tag: u8, value: Option<u64>) {
        if let Some(value) = value {
            self.number(tag, value);
        }
    }

    fn flags(&mut self, flags: u64) {
        if flags != 0 {
            self.number(tag::FLAGS, flags);
        }
    }

    fn stream(&mut self, stream: StreamId, flags: u64) {
        self.bytes(tag::MESSAGE, &stream.message.to_bytes());
        self.flags(flags | if stream.reply { flag::REPLY } else { 0 });
    }

    fn receiver(&mut self, receiver: Receiver) {
        self.bytes(tag::INSTANCE, &receiver.instance.to_bytes());
        self.number(tag::PORT, receiver.port);
    }

    fn target(&mut self, target: Target) {
        self.number(
            tag::TARGET,
            match target {
                Target::Plain => 1,
                Target::Group => 2,
            },
        );
    }

    fn reason(&mut self, reason: &Reason) {
        self.number(tag::CODE, reason.code.to_wire());
        if !reason.text.is_empty() {
            self.bytes(tag::TEXT, Reason::cut(&reason.text, Reason::MAX_TEXT).as_bytes());
        }
    }

    fn detail(&mut self, detail: &Detail) {
        if !detail.code.is_empty() {
            self.bytes(tag::FAILURE_CODE, Reason::cut(&detail.code, Detail::MAX_CODE).as_bytes());
        }
        self.content_type(detail.content_type.as_ref());
    }

    fn content_type(&mut self, content_type: Option<&ContentType>) {
        if let Some(content_type) = content_type {
            self.bytes(tag::CONTENT_TYPE, content_type.as_str().as_bytes());
        }
    }

    fn head(&mut self, head: &Head) {
        self.answer(head);
        if let Some(request) = &head.request {
            self.bytes(tag::MESSAGE, &request.message.to_bytes());
            self.optional(tag::TIME_LEFT, request.time_left.map(whole_millis));
            self.number(tag::CREDIT, request.credit);
            self.flags(flag::REQUEST);
        }
    }

    /// A head that asks nothing, whatever it says.
    fn answer(&mut self, head: &Head) {
        self.bytes(tag::SERVICE, head.source.service.as_str().as_bytes());
        self.bytes(tag::INSTANCE, &head.source.instance.to_bytes());
        self.content_type(head.content_type.as_ref());
        for (key, value) in head.headers.iter() {
            let length = varint_len(key.len() as u64) + key.len() + value.len();
            self.0.push(tag::HEADER);
            put_varint(&mut self.0, length as u64);
            put_varint(&mut self.0, key.len() as u64);
            self.0.extend_from_slice(key.as_bytes());
            self.0.extend_from_slice(value.as_bytes());
        }
        self.optional(tag::SEQUENCE, head.sequence);
    }
}

/// Rounded up: whoever answers gives up no earlier than the asker.
fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
