use conduit::{CodecError, Encode};

struct Fixed;

impl Encode<u64> for Fixed {
    fn encode(&self, value: &u64, into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.extend(value.to_le_bytes());
        Ok(())
    }
}

fn main() {}
