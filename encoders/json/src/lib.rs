//! JSON for Conduit, by [`serde_json`].
//!
//! Give [`Json`] to the constructor of a conduit: it encodes whatever is [`Serialize`] and decodes
//! whatever is [`DeserializeOwned`].
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
/// Fails where JSON has no word for a value: for a float that is infinite or not a number, at any
/// depth, and for a map whose keys are not strings, numbers or booleans. Fails for a value nested
/// deeper than 127 levels, since no decoder like this one takes it. A level is an array or an object;
/// a struct, a tuple, a list, a map is one, and so is an enum's variant with fields, besides those
/// fields. The error is a [`serde_json::Error`].
///
/// # Decoding
/// The body is one value in UTF-8, with nothing but white space around it. A value nested deeper
/// than 127 levels is refused. The error is a [`serde_json::Error`] and says the line and column.
///
/// # What serde loses
/// What an `Option` holds is written without a mark that it is there. So `Some(None)` and `Some(())`
/// are written as `null`, and arrive as `None`.
///
/// The content of tagged and untagged enums and of flattened fields is held in a form of serde's own
/// before it is decoded. That has no place for `i128` and `u128`, and takes the keys of a map as the
/// text that they are in JSON: such numbers, and keys that are numbers, are encoded there, and then
/// not decoded.
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
        Ok(serde_json::from_slice(bytes)?)
    }
}
