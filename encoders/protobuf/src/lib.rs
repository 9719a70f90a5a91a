//! Protocol Buffers for Conduit, by [`prost`].
//!
//! Give [`Protobuf`] to the constructor of a conduit: it encodes and decodes whatever is a
//! [`prost::Message`], as `prost-build` generates it from a `.proto` file or `#[derive(Message)]`
//! makes it.
//!
//! ```
//! use conduit::{CodecError, Decode, Encode};
//! use conduit_protobuf::{Protobuf, prost::Message};
//!
//! #[derive(PartialEq, Message)]
//! #[prost(prost_path = "conduit_protobuf::prost")]
//! struct UserCreated {
//!     #[prost(uint64, tag = "1")]
//!     id: u64,
//!     #[prost(string, tag = "2")]
//!     email: String,
//! }
//!
//! let event = UserCreated { id: 123, email: "ada@example.com".into() };
//! let mut body = Vec::new();
//! Protobuf.encode(&event, &mut body)?;
//! assert_eq!(body, b"\x08\x7b\x12\x0fada@example.com");
//!
//! let received: UserCreated = Protobuf.decode(&body)?;
//! assert_eq!(received, event);
//! # Ok::<(), CodecError>(())
//! ```

use conduit::{CodecError, Decode, Encode, Encoder};
use prost::Message;

pub use prost;

/// The Protocol Buffers wire format, `application/protobuf`.
///
/// # Encoding
/// Never fails. A message nested deeper than 100 levels, a level being a message in a message, is
/// encoded too, and refused where it is decoded: where the depth comes from outside, bound it before
/// it is sent.
///
/// # Decoding
/// The body is one message without a length before it. The format lets a reader skip fields that it
/// does not know, and gives those that are missing their default: so the empty body is a message,
/// and bytes of another message type may well decode. What follows a message and reads as fields
/// belongs to the message. A message nested deeper than 100 levels is refused. The error is a
/// [`prost::DecodeError`].
///
/// ```
/// use conduit::{Decode, Encode};
/// use conduit_protobuf::Protobuf;
///
/// // A `string` is a message with one field, as `google.protobuf.StringValue`.
/// let mut body = Vec::new();
/// Protobuf.encode(&"Ada".to_owned(), &mut body)?;
/// assert_eq!(body, b"\x0a\x03Ada");
/// let name: String = Protobuf.decode(&body)?;
/// assert_eq!(name, "Ada");
/// # Ok::<(), conduit::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Protobuf;

impl Encoder for Protobuf {
    fn content_type(&self) -> &'static str {
        "application/protobuf"
    }
}

impl<T: Message> Encode<T> for Protobuf {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        Ok(value.encode(into)?)
    }
}

impl<T: Message + Default> Decode<T> for Protobuf {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        Ok(T::decode(bytes)?)
    }
}
