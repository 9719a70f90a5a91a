//! The encoder seam: how values become bytes.

use std::error::Error as StdError;

/// A format for values, such as JSON.
///
/// Implementations of [`Encode`] and [`Decode`] define which types it can encode and decode, so
/// that sending a value that the format cannot express does not compile.
///
/// ```
/// use conduit::{CodecError, Decode, Encode, Encoder};
///
/// /// Encodes numbers as eight bytes, least significant first.
/// struct Fixed;
///
/// impl Encoder for Fixed {
///     fn content_type(&self) -> &'static str {
///         "application/x-fixed"
///     }
/// }
///
/// impl Encode<u64> for Fixed {
///     fn encode(&self, value: &u64, into: &mut Vec<u8>) -> Result<(), CodecError> {
///         into.extend_from_slice(&value.to_le_bytes());
///         Ok(())
///     }
/// }
///
/// impl Decode<u64> for Fixed {
///     fn decode(&self, bytes: &[u8]) -> Result<u64, CodecError> {
///         Ok(u64::from_le_bytes(bytes.try_into()?))
///     }
/// }
///
/// let mut bytes = Vec::new();
/// Fixed.encode(&7, &mut bytes)?;
/// assert_eq!(Fixed.decode(&bytes)?, 7);
/// # Ok::<(), CodecError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an encoder",
    label = "not an encoder",
    note = "use `Json` of `conduit-json`, `MessagePack` of `conduit-msgpack`, `Protobuf` of `conduit-protobuf`, or implement `Encoder`"
)]
pub trait Encoder: Send + Sync + 'static {
    /// Returns the media type that this encoder produces, such as `application/json` (RFC 6838):
    /// printable ASCII, at most 128 bytes. It travels with every encoded body, and a message with a
    /// different one is not decoded.
    fn content_type(&self) -> &'static str;
}

/// Encodes values of a type as bytes.
///
/// ```
/// use conduit::Encode;
/// use conduit_json::Json;
///
/// let mut bytes = b"before: ".to_vec();
/// Json.encode(&[1, 2], &mut bytes)?;
/// assert_eq!(bytes, b"before: [1,2]");
/// # Ok::<(), conduit::CodecError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot encode `{T}`",
    label = "`{T}` cannot be sent with this encoder",
    note = "with `Json` and `MessagePack`, derive `serde::Serialize` for `{T}`; with `Protobuf`, derive `prost::Message`",
    note = "text, bytes and readers go as they are with `send_body`, `request_body` and `reply_body`"
)]
pub trait Encode<T: ?Sized>: Encoder {
    /// Appends the encoded value to a buffer.
    ///
    /// # Errors
    /// [`CodecError`] if the format cannot express this value. The caller then discards the bytes
    /// that were appended.
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// Decodes values of a type from bytes.
///
/// ```
/// use conduit::{CodecError, Decode};
/// use conduit_json::Json;
///
/// let numbers: Vec<u64> = Json.decode(b"[1,2]")?;
/// assert_eq!(numbers, [1, 2]);
/// let cut: Result<Vec<u64>, CodecError> = Json.decode(b"[1,");
/// assert!(cut.is_err());
/// # Ok::<(), CodecError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot decode `{T}`",
    label = "`{T}` cannot be decoded with this encoder",
    note = "with `Json` and `MessagePack`, derive `serde::Deserialize` for `{T}`; with `Protobuf`, derive `prost::Message`",
    note = "bodies are read as they are with `to_bytes`, `text` or `AsyncRead`"
)]
pub trait Decode<T>: Encoder {
    /// Decodes a whole body.
    ///
    /// # Errors
    /// [`CodecError`] if the bytes are not an encoded value of this type.
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError>;
}

/// The format's own error: why a value could not be encoded or decoded.
///
/// ```
/// use conduit::{CodecError, Decode};
/// use conduit_json::{Json, serde_json};
///
/// let error: CodecError = Decode::<u64>::decode(&Json, b"seven").expect_err("it is no number");
/// assert!(error.is::<serde_json::Error>());
/// ```
pub type CodecError = Box<dyn StdError + Send + Sync>;
