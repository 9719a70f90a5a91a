use conduit::{CodecError, Decode, Encode, Encoder};

/// The encoder of the checks: a number as eight bytes, so that the suite needs no format's crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Number;

impl Encoder for Number {
    fn content_type(&self) -> &'static str {
        "application/x-conformance-number"
    }
}

impl Encode<u64> for Number {
    fn encode(&self, value: &u64, into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.extend_from_slice(&value.to_be_bytes());
        Ok(())
    }
}

impl Decode<u64> for Number {
    fn decode(&self, bytes: &[u8]) -> Result<u64, CodecError> {
        Ok(u64::from_be_bytes(bytes.try_into()?))
    }
}
