//! JSON for Conduit, with [`serde_json`].
//!
//! Pass [`Json`] to the constructor of a conduit: it encodes every [`Serialize`] type and decodes
//! every [`DeserializeOwned`] type.
//!
//! ```
//! use conduit::{CodecError, Decode, Encode};
//! use conduit_json::Json;
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
//! Json.encode(&event, &mut body)?;
//! assert_eq!(body, br#"{"id":123,"email":"ada@example.com"}"#);
//!
//! let received: UserCreated = Json.decode(&body)?;
//! assert_eq!(received, event);
//! # Ok::<(), CodecError>(())
//! ```

mod finite;
mod levels;

use conduit::{CodecError, Decode, Encode, Encoder};
use serde::{Serialize, de::DeserializeOwned};

pub use serde_json;

use self::{finite::Finite, levels::Levels};

/// The JSON format, `application/json` (RFC 8259), without white space.
///
/// # Encoding
/// Fails for values that JSON cannot express: a float that is infinite or not a number, at any
/// depth, and a map whose keys are not strings, numbers or booleans. Fails for a value nested
/// deeper than 127 levels, since decoding would refuse it. Each array and object is a level: a
/// struct, a tuple, a list and a map are one each, and an enum variant with fields adds one to that
/// of its fields. The error is a [`serde_json::Error`].
///
/// # Decoding
/// The body is one value in UTF-8, surrounded by nothing but white space. A value nested deeper
/// than 127 levels is refused. The error is a [`serde_json::Error`] with the line and column.
///
/// # Limitations of serde
/// The content of an `Option` is written without a marker. So `Some(None)` and `Some(())` are
/// written as `null`, and decoded as `None`.
///
/// Serde buffers the content of tagged and untagged enums and of flattened fields before it decodes
/// them. The buffer does not support `i128` and `u128`, and keeps the keys of a map as text: inside
/// such types, these numbers, and keys that are numbers, are encoded but cannot be decoded.
///
/// ```
/// use conduit::{Decode, Encode};
/// use conduit_json::Json;
///
/// let mut body = Vec::new();
/// Json.encode(&("Ada", 36), &mut body)?;
/// assert_eq!(body, br#"["Ada",36]"#);
/// assert!(Json.encode(&f64::NAN, &mut body).is_err());
///
/// let cut: Result<(String, u8), _> = Json.decode(br#"["Ada""#);
/// assert_eq!(cut.unwrap_err().to_string(), "EOF while parsing a list at line 1 column 6");
/// # Ok::<(), conduit::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Encoder for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }
}

impl<T: Serialize + ?Sized> Encode<T> for Json {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut serializer = serde_json::Serializer::with_formatter(into, Levels::default());
        Ok(value.serialize(Finite(&mut serializer))?)
    }
}

impl<T: DeserializeOwned> Decode<T> for Json {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        // Checked at once, and not string by string, which is slower. An error is the decoder's.
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::from_str(text)?,
            Err(_) => serde_json::from_slice(bytes)?,
        })
    }
}
