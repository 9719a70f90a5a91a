//! `MessagePack` for Conduit, by [`rmp_serde`].
//!
//! Give [`MessagePack`] to the constructor of a conduit: it encodes whatever is [`Serialize`] and
//! decodes whatever is [`DeserializeOwned`].
//!
//! ```
//! use conduit::{CodecError, Decode, Encode};
//! use conduit_msgpack::MessagePack;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct UserCreated {
//!     id: u64,
//!     email: String,
//! }
//!
//! let event = UserCreated { id: 123, email: "ada@example.com".into() };
//! let mut body = Vec::new();
//! MessagePack.encode(&event, &mut body)?;
//! assert_eq!(body, b"\x82\xa2id\x7b\xa5email\xafada@example.com");
//!
//! let received: UserCreated = MessagePack.decode(&body)?;
//! assert_eq!(received, event);
//! # Ok::<(), CodecError>(())
//! ```

mod shape;

use conduit::{CodecError, Decode, Encode, Encoder};
use serde::{Serialize, de::DeserializeOwned};

pub use rmp_serde;

/// The `MessagePack` format, `application/vnd.msgpack`.
///
/// # Encoding
/// A struct is a map from the names of its fields, so that other languages read it by name. A
/// `Vec<u8>` is an array of numbers; the crate `serde_bytes` makes it binary. Fails only where a
/// value's own `Serialize` does.
///
/// # Decoding
/// The body is one value, with nothing after it. A struct is read from a map, or from an array of
/// its fields in order. A value nested deeper than 128 levels is refused. The error is a
/// [`rmp_serde::decode::Error`].
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagePack;

impl Encoder for MessagePack {
    fn content_type(&self) -> &'static str {
        "application/vnd.msgpack"
    }
}

impl<T: Serialize + ?Sized> Encode<T> for MessagePack {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        Ok(rmp_serde::encode::write_named(into, value)?)
    }
}

impl<T: DeserializeOwned> Decode<T> for MessagePack {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        shape::check(bytes)?;
        Ok(rmp_serde::from_slice(bytes)?)
    }
}
