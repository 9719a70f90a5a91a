//! `MessagePack` for Conduit, with [`rmp_serde`].
//!
//! Pass [`MessagePack`] to the constructor of a conduit: it encodes every [`Serialize`] type and
//! decodes every [`DeserializeOwned`] type.
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

mod levels;
mod shape;

use conduit::{CodecError, Decode, Encode, Encoder};
use serde::{Serialize, de::DeserializeOwned};

pub use rmp_serde;

use self::levels::Levels;

/// The maximum nesting of arrays and maps.
const MAX_DEPTH: usize = 128;

/// The `MessagePack` format, `application/vnd.msgpack`.
///
/// # Encoding
/// A struct is a map keyed by the names of its fields, so that other languages can read it by name.
/// A `Vec<u8>` is an array of numbers; use the crate `serde_bytes` for binary.
///
/// Types that have a compact and a human-readable form use the human-readable one: serde decodes
/// nothing else inside tagged and untagged enums and flattened fields. Some types take more bytes:
///
/// | type | compact | human-readable, as encoded here |
/// | --- | --- | --- |
/// | `IpAddr`, version 4 | 9 to 13 bytes | 8 to 16 bytes |
/// | `IpAddr`, version 6 | 23 to 39 bytes | 3 to 41 bytes |
/// | `SocketAddr`, version 4 | 11 to 17 bytes | 10 to 22 bytes |
/// | `SocketAddr`, version 6 | 25 to 43 bytes | 7 to 60 bytes, with its scope |
/// | `uuid::Uuid` | 18 bytes | 38 bytes |
///
/// Fails for a value nested deeper than 128 levels, since decoding would refuse it. Each array and
/// map is a level: a struct, a tuple, a list and a map are one each, and an enum variant with
/// fields adds one to that of its fields. Otherwise it fails only if the value's own `Serialize`
/// does. The error is a [`rmp_serde::encode::Error`].
///
/// # Decoding
/// The body is one value, with nothing after it. A struct is read from a map, or from an array of
/// its fields in order. A value nested deeper than 128 levels is refused. The error is a
/// [`rmp_serde::decode::Error`].
///
/// # Limitations of serde
/// The content of an `Option` is written without a marker. So `Some(None)` and `Some(())` are
/// written as nil, and decoded as `None`.
///
/// Serde buffers the content of tagged and untagged enums and of flattened fields before it decodes
/// them. The buffer does not support `i128` and `u128`: inside such types, they are encoded but
/// cannot be decoded.
///
/// ```
/// use conduit::{Decode, Encode};
/// use conduit_msgpack::MessagePack;
///
/// let mut body = Vec::new();
/// MessagePack.encode(&("Ada", 36), &mut body)?;
/// assert_eq!(body, b"\x92\xa3Ada\x24");
///
/// let pair: (String, u8) = MessagePack.decode(&body)?;
/// assert_eq!(pair, ("Ada".to_owned(), 36));
/// body.push(0);
/// assert!(Decode::<(String, u8)>::decode(&MessagePack, &body).is_err());
/// # Ok::<(), conduit::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagePack;

impl Encoder for MessagePack {
    fn content_type(&self) -> &'static str {
        "application/vnd.msgpack"
    }
}

impl<T: Serialize + ?Sized> Encode<T> for MessagePack {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut serializer =
            rmp_serde::Serializer::new(into).with_struct_map().with_human_readable();
        Ok(value.serialize(Levels::new(&mut serializer))?)
    }
}

impl<T: DeserializeOwned> Decode<T> for MessagePack {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        shape::check(bytes)?;
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
        Ok(T::deserialize(&mut deserializer)?)
    }
}
