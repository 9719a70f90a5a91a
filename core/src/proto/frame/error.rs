use thiserror::Error;

use super::Refusable;

/// What is wrong with a packet. It is always the fault of whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The packet ends before its header does.
    #[error("the packet is shorter than its header says")]
    Truncated,
    /// The packet's header is longer than any header may be.
    #[error("the header is longer than {} bytes", super::MAX_HEADER)]
    HeaderTooLong,
    /// The packet speaks a version of the protocol that this one does not know.
    #[error("version {0} of the protocol is unknown")]
    UnknownVersion(u8),
    /// The packet is of a type that this version does not know.
    #[error("frame type {0} is unknown")]
    UnknownType(u8),
    /// A field that must be understood is not.
    #[error("field {0} is unknown and must not be skipped")]
    UnknownField(u8),
    /// The same in a request or an offer of which enough can be read to refuse it.
    #[error("field {0} is unknown and must not be skipped")]
    Unsupported(u8, Box<Refusable>),
    /// A field that the frame type needs is missing.
    #[error("field {0} is missing")]
    MissingField(u8),
    /// A field stands twice.
    #[error("field {0} stands twice")]
    RepeatedField(u8),
    /// A field's bytes are not a value of its type, or exceed its limit.
    #[error("field {0} is not valid")]
    InvalidField(u8),
    /// A frame that carries no body has one.
    #[error("the frame has a body that it must not have")]
    UnexpectedBody,
    /// What an application adds to a failure is longer than it may be.
    #[error("the detail of a failure is longer than {} bytes", super::Detail::MAX_VALUE)]
    DetailTooLong,
    /// An offset and a length beyond what the protocol can count.
    #[error("the body is longer than the protocol can count")]
    OffsetOverflow,
}
