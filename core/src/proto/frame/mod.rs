//! Packets: their fields, and the codec between bytes and [`Frame`]s.
//!
//! A packet is a version byte, a type byte, the length of the header (two bytes, big endian), the
//! header, and the body. The header is a sequence of fields: a tag byte, a length (LEB128), and the
//! value. A reader skips a field that it does not know, unless the tag has its highest bit set.

mod content_type;
mod decode;
mod detail;
mod encode;
mod error;
mod head;
mod known;
mod packet;
mod wire;

use bytes::Bytes;

pub use self::{
    content_type::ContentType,
    detail::Detail,
    error::ProtocolError,
    head::{Head, HeadRef, Request, Source},
    known::Known,
};
use super::Reason;
use crate::{InstanceId, MessageId, address::Target};

/// The version of the protocol that this library speaks.
pub const VERSION: u8 = 1;
/// The longest header, in bytes.
pub const MAX_HEADER: usize = 12 * 1024;
/// The longest content type, in bytes.
pub const MAX_CONTENT_TYPE: usize = 128;
/// More bytes than the header of a [`Frame::Data`] has.
pub const DATA_OVERHEAD: usize = 64;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Message {
        /// Everything but the body.
        head: Box<Head>,
        /// The body.
        body: Bytes,
    },
    /// A message whose body follows in chunks, once somebody takes it.
    Offer {
        /// Everything but the body.
        head: Box<Head>,
        /// The name of the stream.
        message: MessageId,
        /// Which bindings it is offered to.
        target: Target,
        /// The length of the body, where it is known.
        length: Option<u64>,
    },
    /// A receiver takes an offer.
    Accept {
        /// The stream.
        message: MessageId,
        /// Who takes it.
        receiver: Receiver,
        /// How it was offered.
        target: Target,
        /// Up to which offset it may be sent.
        credit: u64,
    },
    /// The sender counts on a receiver, whose handler may start.
    Confirm {
        /// The stream.
        message: MessageId,
        /// Which binding of the instance.
        port: u64,
        /// What the receiver repeats, so that the sender knows that it is there.
        nonce: Nonce,
    },
    /// A piece of a body.
    Data {
        /// The stream.
        stream: StreamId,
        /// Where in the body it stands.
        offset: u64,
        /// The bytes.
        body: Bytes,
    },
    /// The body has no more bytes.
    End {
        /// The stream.
        stream: StreamId,
        /// How many bytes the body has.
        length: u64,
        /// The CRC-32C (Castagnoli) of all of them.
        checksum: u32,
    },
    /// How far a receiver has the body, and how far it may be sent. It also says: I am alive.
    Credit {
        /// The stream.
        stream: StreamId,
        /// Who says so.
        receiver: Receiver,
        /// What it says.
        receipt: Receipt,
    },
    /// The sender is alive and has nothing to send.
    Ping {
        /// The stream.
        stream: StreamId,
    },
    /// The sender ends the stream before its end.
    Reset {
        /// The stream.
        stream: StreamId,
        /// Which binding of the instance; all of them if none is given.
        port: Option<u64>,
        /// Why.
        reason: Reason,
    },
    /// A receiver refuses an offer, or takes no more of a body.
    Stop {
        /// The stream.
        stream: StreamId,
        /// Who.
        receiver: Receiver,
        /// How it was offered.
        target: Target,
        /// Why.
        reason: Reason,
    },
    /// The answer to a request, whole.
    Reply {
        /// The request.
        message: MessageId,
        /// Everything but the body.
        head: Box<Head>,
        /// The body.
        body: Bytes,
    },
    /// The answer to a request, whose body follows in chunks at once.
    ReplyStream {
        /// The request.
        request: MessageId,
        /// The name of the stream.
        message: MessageId,
        /// Everything but the body.
        head: Box<Head>,
        /// The length of the body, where it is known.
        length: Option<u64>,
    },
    /// A request was refused or has failed.
    Failure {
        /// The request.
        message: MessageId,
        /// Who says so.
        instance: InstanceId,
        /// How the request reached it.
        target: Target,
        /// The function of the handler was called.
        started: bool,
        /// Why.
        reason: Reason,
        /// What the application adds.
        detail: Detail,
    },
    /// The asker does not need the answer any more.
    Cancel {
        /// The request.
        message: MessageId,
    },
    /// A request waits for its handler, or is being handled.
    Alive {
        /// The request.
        message: MessageId,
        /// Where.
        instance: InstanceId,
        /// How the request reached it.
        target: Target,
    },
    /// Is there a group? Answered by the broker's notice if not, ignored by members.
    Probe {
        /// The request that wants to know.
        message: MessageId,
    },
}

/// What can be read of a message that is not understood, for
/// [`Unsupported`](crate::proto::ReasonCode::Unsupported).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusable {
    /// A [`Frame::Message`] that asks: who, and the name of the request.
    Request(Source, MessageId),
    /// A [`Frame::Offer`]: of whom, and the name of the stream.
    Offer(Source, MessageId),
}

/// The name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The message whose body it is; of a reply, a name that its sender chose, since many may answer
    /// one request.
    pub message: MessageId,
    /// Whether it is the reply.
    pub reply: bool,
}

/// One binding of one instance, as the receiver of a body. The reader of a reply is port 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receiver {
    /// The instance.
    pub instance: InstanceId,
    /// The binding.
    pub port: u64,
}

/// How far a receiver has come with a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// It has every byte before this offset.
    pub have: u64,
    /// It may be sent every byte before this offset.
    pub credit: u64,
    /// Its handler has started.
    pub started: bool,
    /// It has read and verified the whole body.
    pub done: bool,
    /// That of its [`Frame::Confirm`]. The reader of a reply has none.
    pub nonce: Option<Nonce>,
}

/// A number that only who gets a [`Frame::Confirm`] can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u64);

impl Nonce {
    /// How many bytes it takes in a packet.
    pub const LEN: usize = 8;

    /// The nonce with these bytes, most significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// Its bytes, most significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }
}
