//! Packets: their fields, and the codec between bytes and [`Frame`]s.
//!
//! A packet is a version byte, a type byte, the length of the header (two bytes, big endian), the
//! header, and the body. The header is a sequence of fields: a tag byte, a length (LEB128), and the
//! value. A reader skips a field that it does not know, unless the tag has its highest bit set.

mod batch;
mod content_type;
mod decode;
mod detail;
mod encode;
mod error;
mod head;
mod layout;
mod name_cache;
mod packet;
mod wire;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::{
    batch::{BatchWriter, MAX_BATCH, Members, Single},
    content_type::ContentType,
    detail::Detail,
    error::ProtocolError,
    head::{EncodedHead, Head, HeadRef, Request},
    layout::{BodyKind, FRAMES, FieldSet, Layout, Tags},
    name_cache::NameCache,
};
use super::Reason;
use crate::{InstanceId, MessageId, Source, address::Target};

/// The version of the protocol that this library implements.
pub const VERSION: u8 = 1;
/// The maximum length of a header, in bytes.
pub const MAX_HEADER: usize = 12 * 1024;
/// The maximum length of a content type, in bytes.
pub const MAX_CONTENT_TYPE: usize = 128;
/// The maximum length of a [`Frame::Description`]'s body, in bytes.
pub const MAX_DESCRIPTION: usize = 15 * 1024;
/// An upper bound of the header's length of a [`Frame::Data`], in bytes.
pub const DATA_OVERHEAD: usize = 64;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A whole message.
    Message {
        /// Everything but the body.
        head: Arc<Head>,
        /// The body.
        body: Bytes,
    },
    /// A message whose body follows in chunks, once a receiver accepts it.
    Offer {
        /// Everything but the body.
        head: Arc<Head>,
        /// The id of the stream.
        message: MessageId,
        /// The bindings it is offered to.
        target: Target,
        /// The length of the body, if known.
        length: Option<u64>,
    },
    /// A receiver accepts an offer.
    Accept {
        /// The stream.
        message: MessageId,
        /// The receiver.
        receiver: Receiver,
        /// How it was offered.
        target: Target,
        /// The offset up to which the body may be sent.
        credit: u64,
    },
    /// The sender confirms a receiver, whose handler may start.
    Confirm {
        /// The stream.
        message: MessageId,
        /// The binding within the instance.
        port: u64,
        /// The receiver repeats this, which proves to the sender that it exists.
        nonce: Nonce,
    },
    /// A chunk of a body.
    Data {
        /// The stream.
        stream: StreamId,
        /// Its offset in the body.
        offset: u64,
        /// The bytes.
        body: Bytes,
    },
    /// The body has no more bytes.
    End {
        /// The stream.
        stream: StreamId,
        /// The length of the body, in bytes.
        length: u64,
        /// The CRC-32C (Castagnoli) of the body.
        checksum: u32,
    },
    /// A receiver acknowledges bytes, and grants credit. Also a sign of life.
    Credit {
        /// The stream.
        stream: StreamId,
        /// The receiver.
        receiver: Receiver,
        /// The acknowledgement.
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
        /// The binding within the instance; all bindings if `None`.
        port: Option<u64>,
        /// The reason.
        reason: Reason,
    },
    /// A receiver refuses an offer, or stops a body.
    Stop {
        /// The stream.
        stream: StreamId,
        /// The receiver.
        receiver: Receiver,
        /// How it was offered.
        target: Target,
        /// The reason.
        reason: Reason,
    },
    /// The reply to a request, in one packet.
    Reply {
        /// The request.
        message: MessageId,
        /// Everything but the body.
        head: Arc<Head>,
        /// The body.
        body: Bytes,
    },
    /// The reply to a request, whose body follows in chunks at once.
    ReplyStream {
        /// The request.
        request: MessageId,
        /// The id of the stream.
        message: MessageId,
        /// Everything but the body.
        head: Arc<Head>,
        /// The length of the body, if known.
        length: Option<u64>,
    },
    /// A request was refused or has failed.
    Failure {
        /// The request.
        message: MessageId,
        /// The answerer.
        instance: InstanceId,
        /// How the request reached it.
        target: Target,
        /// Whether the function of the handler was called.
        started: bool,
        /// The reason.
        reason: Reason,
        /// The application's details.
        detail: Detail,
    },
    /// The asker no longer needs the answer.
    Cancel {
        /// The request.
        message: MessageId,
    },
    /// A request waits for its handler, or is being handled.
    Alive {
        /// The request.
        message: MessageId,
        /// The answerer.
        instance: InstanceId,
        /// How the request reached it.
        target: Target,
    },
    /// Asks whether there is a group. If not, the broker's notice answers; members ignore it.
    Probe {
        /// The request, or an id for this question alone.
        message: MessageId,
    },
    /// Several packets that travel as one.
    Batch {
        /// The packets, which [`Members`] separates.
        packets: Bytes,
    },
    /// Asks the instances of a service, or of all services, to describe themselves.
    Describe {
        /// An id for this question.
        message: MessageId,
        /// Who asks.
        source: Source,
        /// How long the asker waits for answers.
        time_left: Duration,
        /// Whether the answer is to tell nothing of bindings, limits and amounts.
        brief: bool,
    },
    /// An instance describes itself.
    Description {
        /// The question.
        message: MessageId,
        /// The instance.
        source: Source,
        /// The description, as JSON.
        body: Bytes,
    },
}

/// The part of a message that is not understood which is needed to refuse it as
/// [`Unsupported`](crate::proto::ReasonCode::Unsupported).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusable {
    /// A [`Frame::Message`] that is a request: the asker, and the id of the request.
    Request(Source, MessageId),
    /// A [`Frame::Offer`]: the sender, and the id of the stream.
    Offer(Source, MessageId),
}

/// The id of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The message whose body it is; for a reply, an id chosen by its sender, since several
    /// receivers may answer one request.
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

/// A receiver's acknowledgement of a body.
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
    /// The nonce of its [`Frame::Confirm`]. The reader of a reply has none.
    pub nonce: Option<Nonce>,
}

/// A number that only the receiver of a [`Frame::Confirm`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u64);

impl Nonce {
    /// The length in a packet, in bytes.
    pub const LEN: usize = 8;

    /// Creates a nonce from bytes, most significant first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// Returns its bytes, most significant first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }
}
