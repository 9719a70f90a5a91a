use bytes::{Bytes, BytesMut};

use super::{
    Frame, HeadRef, Single, StreamId,
    packet::{PacketWriter, answer_len, head_len, id_len, number_len, stream_len, whole_millis},
    wire::{flag, kind, tag},
};
impl Frame {
    /// Encodes the frame as a packet.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut packet = PacketWriter::new(self.kind(), self.room() + self.body().len());
        match self {
            Self::Message { head, .. } => packet.head(head.borrowed()),
            Self::Offer { head, message, target, length } => {
                packet.head(head.borrowed());
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
            Self::Confirm { message, port, nonce } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.number(tag::PORT, *port);
                packet.bytes(tag::NONCE, &nonce.to_bytes());
            }
            Self::Data { stream, offset, .. } => packet.data(*stream, *offset),
            Self::End { stream, length, checksum } => {
                packet.stream(*stream, 0);
                packet.number(tag::LENGTH, *length);
                packet.bytes(tag::CHECKSUM, &checksum.to_be_bytes());
            }
            Self::Credit { stream, receiver, receipt } => {
                let bit = |is_set, flag| if is_set { flag } else { 0 };
                let done = bit(receipt.done, flag::DONE);
                packet.stream(*stream, done | bit(receipt.started, flag::STARTED));
                packet.receiver(*receiver);
                packet.number(tag::OFFSET, receipt.have);
                packet.number(tag::CREDIT, receipt.credit);
                if let Some(nonce) = receipt.nonce {
                    packet.bytes(tag::NONCE, &nonce.to_bytes());
                }
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
            Self::Reply { message, head, .. } => packet.reply(*message, head.borrowed()),
            Self::ReplyStream { request, message, head, length } => {
                packet.bytes(tag::REQUEST, &request.to_bytes());
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.answer(head.borrowed());
                packet.optional(tag::LENGTH, *length);
            }
            Self::Failure { message, instance, target, started, reason, detail } => {
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.bytes(tag::INSTANCE, &instance.to_bytes());
                packet.target(*target);
                let transient = if detail.transient { flag::TRANSIENT } else { 0 };
                packet.flags(transient | if *started { flag::STARTED } else { 0 });
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
            Self::Batch { .. } => {}
            Self::Describe { message, source, time_left, brief } => {
                packet.source(source);
                packet.bytes(tag::MESSAGE, &message.to_bytes());
                packet.number(tag::TIME_LEFT, whole_millis(*time_left));
                packet.flags(if *brief { flag::BRIEF } else { 0 });
            }
            Self::Description { message, source, .. } => {
                packet.source(source);
                packet.bytes(tag::MESSAGE, &message.to_bytes());
            }
        }
        packet.finish(self.body())
    }

    /// Encodes a [`Message`](Self::Message) from its parts.
    #[must_use]
    pub fn message(head: HeadRef<'_>, body: &[u8]) -> Bytes {
        Single::Message(head, body).encode()
    }

    /// Encodes a [`Data`](Self::Data) from its parts, into an empty buffer.
    #[must_use]
    pub fn data(mut buffer: BytesMut, stream: StreamId, offset: u64, body: &[u8]) -> Bytes {
        let mut packet = PacketWriter::new(kind::DATA, stream_len(stream) + number_len(offset));
        packet.data(stream, offset);
        let header = packet.header();
        buffer.reserve(header.len() + body.len());
        buffer.extend_from_slice(header);
        buffer.extend_from_slice(body);
        buffer.freeze()
    }

    /// Returns the approximate length of the header; the exact length for frequent kinds.
    pub(super) fn room(&self) -> usize {
        const SMALL: usize = 96;
        match self {
            Self::Message { head, .. } => head_len(head.borrowed()),
            Self::Data { stream, offset, .. } => stream_len(*stream) + number_len(*offset),
            Self::Reply { head, .. } => id_len() + answer_len(head.borrowed()),
            Self::Cancel { .. } | Self::Probe { .. } => id_len(),
            Self::Batch { .. } => 0,
            Self::Alive { .. } => 2 * id_len() + number_len(1),
            Self::Offer { head, .. } | Self::ReplyStream { head, .. } => {
                head_len(head.borrowed()) + SMALL
            }
            _ => SMALL,
        }
    }

    fn body(&self) -> &[u8] {
        match self {
            Self::Message { body, .. } | Self::Data { body, .. } | Self::Reply { body, .. } => body,
            Self::Failure { detail, .. } => &detail.value,
            Self::Batch { packets } => packets,
            Self::Description { body, .. } => body,
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
            Self::Batch { .. } => kind::BATCH,
            Self::Describe { .. } => kind::DESCRIBE,
            Self::Description { .. } => kind::DESCRIPTION,
        }
    }
}
