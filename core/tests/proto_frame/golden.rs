//! Every frame is exactly the bytes that the specification says.

use conduit::proto::frame::Frame;

use crate::samples;

fn text(packet: &[u8]) -> String {
    packet.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_frame_is_its_golden_packet() {
    for sample in samples::all() {
        assert_eq!(text(&sample.frame.encode()), text(&sample.packet), "{}", sample.name);
    }
}

#[test]
fn every_golden_packet_is_its_frame() {
    for sample in samples::all() {
        assert_eq!(Frame::decode(&sample.packet), Ok(sample.frame), "{}", sample.name);
    }
}

#[test]
fn every_type_has_a_golden_packet() {
    let mut types: Vec<u8> = samples::all().iter().map(|sample| sample.packet[1]).collect();
    types.dedup();
    assert_eq!(types, (1..=16).collect::<Vec<u8>>());
}

#[test]
fn a_truncated_packet_is_an_error_or_has_a_shorter_body() {
    for sample in samples::all() {
        let whole = sample.packet.len();
        let header = 4 + usize::from(u16::from_be_bytes([sample.packet[2], sample.packet[3]]));
        for length in 0..whole {
            let decoded = Frame::decode(&sample.packet.slice(..length));
            assert_eq!(decoded.is_ok(), length >= header, "{} cut to {length} bytes", sample.name);
        }
    }
}

#[test]
fn fields_may_stand_in_any_order() {
    let packet = samples::hex(
        "01 04 001f 13 08 cccccccccccccccc 04 01 07 03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
    );
    let confirm = Frame::Confirm { message: samples::MESSAGE, port: 7, nonce: samples::NONCE };
    assert_eq!(Frame::decode(&packet), Ok(confirm));
}

#[test]
fn a_body_shares_the_memory_of_its_packet() {
    let packet = samples::all().swap_remove(0).packet;
    let Ok(Frame::Message { body, .. }) = Frame::decode(&packet) else {
        panic!("the sample is a message");
    };
    assert_eq!(body.as_ptr(), packet[packet.len() - body.len()..].as_ptr());
}
