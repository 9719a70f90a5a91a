//! Batches: several packets that travel as one.
//!
//! The body of a batch is a sequence of packets, each after its length (LEB128).

use bytes::{Buf, Bytes};

use super::{
    EncodedHead, HeadRef, ProtocolError, VERSION,
    packet::{PacketWriter, answer_len, head_len, id_len, number_len},
    wire::{PREFIX, kind, put_varint, tag, take_varint, varint_len},
};
use crate::MessageId;

/// The maximum number of packets in a batch that a reader takes.
pub const MAX_BATCH: usize = 64;

/// The packets of a [`Frame::Batch`](super::Frame::Batch), in order.
///
/// An item is an error where a packet may not be in a batch. What follows a length that exceeds the
/// batch, or the maximum number of packets, is one error, and the last item.
#[derive(Debug, Clone, Default)]
pub struct Members {
    rest: Bytes,
    left: usize,
}

impl Members {
    /// Splits the body of a batch.
    #[must_use]
    pub fn new(packets: Bytes) -> Self {
        Self { rest: packets, left: MAX_BATCH }
    }

    /// Returns whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self) -> Option<Bytes> {
        self.left = self.left.checked_sub(1)?;
        let mut bytes = &self.rest[..];
        let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
        if length > bytes.len() {
            return None;
        }
        self.rest.advance(self.rest.len() - bytes.len());
        Some(self.rest.split_to(length))
    }
}

impl Iterator for Members {
    type Item = Result<Bytes, ProtocolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_empty() {
            return None;
        }
        let Some(packet) = self.take() else {
            self.rest.clear();
            return Some(Err(ProtocolError::Truncated));
        };
        Some(match kind_outside(&packet) {
            Some(kind) => Err(ProtocolError::NotInBatch(kind)),
            None => Ok(packet),
        })
    }
}

/// Returns the type of a packet that may not travel in a batch.
fn kind_outside(packet: &[u8]) -> Option<u8> {
    let kind = *packet.get(1)?;
    matches!(kind, kind::OFFER | kind::DATA | kind::PROBE | kind::BATCH).then_some(kind)
}

/// A packet that may travel in a batch, before it is encoded.
#[derive(Debug, Clone, Copy)]
pub enum Single<'a> {
    /// A [`Frame::Message`](super::Frame::Message).
    Message(HeadRef<'a>, &'a [u8]),
    /// A one-way [`Frame::Message`](super::Frame::Message): its head, its number and its body.
    Numbered(&'a EncodedHead, u64, &'a [u8]),
    /// A [`Frame::Reply`](super::Frame::Reply).
    Reply(MessageId, HeadRef<'a>, &'a [u8]),
    /// Any other that may travel in a batch, which is encoded already.
    Encoded(&'a Bytes),
}

impl<'a> Single<'a> {
    /// Returns a packet that may travel in a batch; `None` for one that may not.
    #[must_use]
    pub fn encoded(packet: &'a Bytes) -> Option<Self> {
        kind_outside(packet).is_none().then_some(Self::Encoded(packet))
    }

    /// Returns the length of the packet, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "no packet is empty")]
    pub fn len(&self) -> usize {
        match self {
            Self::Message(head, body) => PREFIX + head_len(*head) + body.len(),
            Self::Numbered(head, number, body) => {
                PREFIX + head.fields().len() + number_len(*number) + body.len()
            }
            Self::Reply(_, head, body) => PREFIX + id_len() + answer_len(*head) + body.len(),
            Self::Encoded(packet) => packet.len(),
        }
    }

    /// Encodes the packet.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Encoded(packet) => (*packet).clone(),
            unencoded => unencoded.append(Vec::with_capacity(self.len())).into(),
        }
    }

    fn append(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match *self {
            Self::Message(head, body) => {
                let mut packet = PacketWriter::append(bytes, kind::MESSAGE);
                packet.head(head);
                packet.into_bytes(body)
            }
            Self::Numbered(head, number, body) => {
                let mut packet = PacketWriter::append(bytes, kind::MESSAGE);
                packet.encoded(head.fields());
                packet.number(tag::SEQUENCE, number);
                packet.into_bytes(body)
            }
            Self::Reply(message, head, body) => {
                let mut packet = PacketWriter::append(bytes, kind::REPLY);
                packet.reply(message, head);
                packet.into_bytes(body)
            }
            Self::Encoded(packet) => {
                bytes.extend_from_slice(packet);
                bytes
            }
        }
    }
}

/// Writes a batch.
#[derive(Debug, Default)]
pub struct BatchWriter {
    packet: Vec<u8>,
    count: usize,
    /// The length of the last packet.
    last: usize,
}

impl BatchWriter {
    /// Returns the number of packets.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the length of the batch, in bytes, after another packet of `length` bytes.
    #[must_use]
    pub fn len_with(&self, length: usize) -> usize {
        self.packet.len().max(PREFIX) + varint_len(length as u64) + length
    }

    /// Appends a packet of `length` bytes. The first one allocates memory for `room` bytes.
    pub fn push(&mut self, single: &Single<'_>, length: usize, room: usize) {
        if self.count == 0 {
            self.packet = Vec::with_capacity(room.max(self.len_with(length)));
            self.packet.extend_from_slice(&[VERSION, kind::BATCH, 0, 0]);
        }
        self.count += 1;
        self.last = length;
        put_varint(&mut self.packet, length as u64);
        self.packet = single.append(std::mem::take(&mut self.packet));
    }

    /// Returns the batch, or its only packet, and starts another.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let packet = Bytes::from(std::mem::take(&mut self.packet));
        match std::mem::take(&mut self.count) {
            1 => packet.slice(PREFIX + varint_len(self.last as u64)..),
            _ => packet,
        }
    }
}
