use bytes::Bytes;
use conduit::proto::frame::{Frame, Members, NameCache};

/// Reads a packet, and the packets within it. Whatever can be read is written in one way, and reads the same again, also for
/// whoever remembers its sender.
pub fn frame(data: &[u8]) {
    let Ok(frame) = Frame::decode(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let written = frame.encode();
    let again = Frame::decode(&written).expect("what was written can be read");
    assert_eq!(again, frame);
    assert_eq!(again.encode(), written);
    if let Frame::Batch { packets } = &frame {
        for packet in Members::new(packets.clone()).flatten() {
            assert!(packets.len() > packet.len());
            self::frame(&packet);
        }
    }
    let mut names = NameCache::new();
    for _ in 0..2 {
        assert_eq!(Frame::decode_with_names(written.clone(), &mut names), Ok(frame.clone()));
    }
}
