use bytes::Bytes;
use conduit::proto::frame::Frame;

/// Reads a packet. Whatever can be read is written in one way, and reads the same again.
pub fn frame(data: &[u8]) {
    let Ok(frame) = Frame::decode(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let written = frame.encode();
    let again = Frame::decode(&written).expect("what was written can be read");
    assert_eq!(again, frame);
    assert_eq!(again.encode(), written);
}
