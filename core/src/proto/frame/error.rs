use thiserror::Error;

use super::Refusable;

/// What is wrong with a packet. It is always an error of its sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The packet ends before its header does.
    #[error("the packet is shorter than its header says")]
    Truncated,
    /// The packet's header exceeds the maximum length.
    #[error("the header is longer than {} bytes", super::MAX_HEADER)]
    HeaderTooLong,
    /// The packet is of an unknown version of the protocol.
    #[error("version {0} of the protocol is unknown")]
    UnknownVersion(u8),
    /// The packet is of an unknown type.
    #[error("frame type {0} is unknown")]
    UnknownType(u8),
    /// An unknown field is marked as critical.
    #[error("field {0} is unknown and must not be skipped")]
    UnknownField(u8),
    /// The same in a request or an offer of which enough can be decoded to refuse it.
    #[error("field {0} is unknown and must not be skipped")]
    Unsupported(u8, Box<Refusable>),
    /// A field that the frame type needs is missing.
    #[error("field {0} is missing")]
    MissingField(u8),
    /// A field occurs twice.
    #[error("field {0} stands twice")]
    RepeatedField(u8),
    /// A field's bytes are not a value of its type, or exceed its limit.
    #[error("field {0} is not valid")]
    InvalidField(u8),
    /// A frame that carries no body has one.
    #[error("the frame has a body that it must not have")]
    UnexpectedBody,
    /// The detail of a failure exceeds the maximum length.
    #[error("the detail of a failure is longer than {} bytes", super::Detail::MAX_VALUE)]
    DetailTooLong,
    /// A description exceeds the maximum length.
    #[error("the description is longer than {} bytes", super::MAX_DESCRIPTION)]
    DescriptionTooLong,
    /// A packet of this type is not valid within a batch.
    #[error("a packet of type {0} is not valid within a batch")]
    NotInBatch(u8),
    /// The sum of an offset and a length overflows.
    #[error("the body is longer than the protocol can count")]
    OffsetOverflow,
}
