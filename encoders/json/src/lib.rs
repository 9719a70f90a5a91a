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

use conduit::{CodecError, Decode, Encode, Encoder};
use serde::{Serialize, de::DeserializeOwned};

pub use serde_json;

/// The JSON format, `application/json` (RFC 8259), without white space.
///
/// # Encoding
/// Fails where JSON has no word for a value, such as a map whose keys are not strings, numbers or
/// booleans. It has none for a float that is infinite or not a number either: that becomes `null`.
///
/// # Decoding
/// The body is one value in UTF-8, with nothing but white space around it. A value nested deeper
/// than 127 levels is refused. The error is a [`serde_json::Error`] and says the line and column.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Encoder for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }
}

impl<T: Serialize + ?Sized> Encode<T> for Json {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        Ok(serde_json::to_writer(into, value)?)
    }
}

impl<T: DeserializeOwned> Decode<T> for Json {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
