//! What must not be understood is refused, what may be skipped is skipped.

use bytes::Bytes;
use conduit::proto::{
    Detail, ProtocolError,
    frame::{Frame, Refusable},
};

use crate::samples;

/// The packet with a field added to its header.
fn with_field(packet: &Bytes, field: &[u8]) -> Bytes {
    let header = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let (front, body) = packet.split_at(4 + header);
    let mut longer = [front, field, body].concat();
    let header = u16::try_from(header + field.len()).expect("the header stays short");
    longer[2..4].copy_from_slice(&header.to_be_bytes());
    longer.into()
}

/// The packet with one byte replaced.
fn with_byte(packet: &Bytes, at: usize, byte: u8) -> Bytes {
    let mut other = packet.to_vec();
    other[at] = byte;
    other.into()
}

fn sample(name: &str) -> Bytes {
    let found = samples::all().into_iter().find(|sample| sample.name == name);
    found.expect("the sample exists").packet
}

#[test]
fn an_unknown_version_is_refused() {
    for sample in samples::all() {
        for version in [0, 2, 0xff] {
            let packet = with_byte(&sample.packet, 0, version);
            assert_eq!(Frame::decode(&packet), Err(ProtocolError::UnknownVersion(version)));
        }
    }
}

#[test]
fn an_unknown_type_is_refused() {
    for kind in [0, 17, 0x80, 0xff] {
        let packet = with_byte(&sample("ping"), 1, kind);
        assert_eq!(Frame::decode(&packet), Err(ProtocolError::UnknownType(kind)));
    }
}

#[test]
fn an_unknown_field_is_skipped() {
    for sample in samples::all() {
        for tag in [0, 20, 0x7f] {
            let packet = with_field(&sample.packet, &[tag, 3, 1, 2, 3]);
            assert_eq!(
                Frame::decode(&packet).as_ref(),
                Ok(&sample.frame),
                "{} with field {tag}",
                sample.name
            );
        }
    }
}

#[test]
fn an_unknown_field_that_matters_is_refused() {
    for sample in samples::all() {
        for tag in [0x80, 0x81, 0xff] {
            let packet = with_field(&sample.packet, &[tag, 0]);
            let wanted = match &sample.frame {
                Frame::Message { head, .. } if head.request.is_some() => {
                    let refusable = Refusable::Request(head.source.clone(), samples::MESSAGE);
                    ProtocolError::Unsupported(tag, Box::new(refusable))
                }
                Frame::Offer { head, message, .. } => {
                    let refusable = Refusable::Offer(head.source.clone(), *message);
                    ProtocolError::Unsupported(tag, Box::new(refusable))
                }
                _ => ProtocolError::UnknownField(tag),
            };
            assert_eq!(Frame::decode(&packet), Err(wanted), "{}", sample.name);
        }
    }
}

#[test]
fn only_what_can_be_read_can_be_refused() {
    const CRITICAL: &[u8] = &[0x80, 0];
    for (name, tag) in [("offer", 1), ("offer", 2), ("offer", 3), ("request", 1), ("request", 3)] {
        // Of its source and its id, one is not there: its tag is one that means nothing.
        let packet = with_field(&sample(name), CRITICAL);
        let at = 4 + field_at(&packet[4..], tag);
        let packet = with_byte(&packet, at, 0x7f);
        assert_eq!(Frame::decode(&packet), Err(ProtocolError::UnknownField(0x80)), "{name}");
    }
    // An offer to nobody in particular is one all the same.
    let packet = with_field(&sample("offer"), CRITICAL);
    let at = 4 + field_at(&packet[4..], 5);
    let decoded = Frame::decode(&with_byte(&packet, at, 0x7f));
    assert!(matches!(decoded, Err(ProtocolError::Unsupported(0x80, _))), "{decoded:?}");
    // What is invalid is not answered.
    let packet = with_field(&packet, &[3, 0]);
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::RepeatedField(3)));
}

/// Where a field begins in a header.
fn field_at(header: &[u8], tag: u8) -> usize {
    let mut at = 0;
    while header[at] != tag {
        at += 2 + usize::from(header[at + 1]);
    }
    at
}

#[test]
fn a_known_field_that_stands_twice_is_refused_also_where_it_is_not_used() {
    for sample in samples::all() {
        for tag in (1..=19).filter(|tag| *tag != 12) {
            let packet = with_field(&with_field(&sample.packet, &[tag, 0]), &[tag, 0]);
            let decoded = Frame::decode(&packet);
            assert_eq!(decoded, Err(ProtocolError::RepeatedField(tag)), "{}", sample.name);
        }
    }
}

#[test]
fn an_unknown_field_may_stand_twice() {
    for sample in samples::all() {
        for tag in [0, 0x7f] {
            let packet = with_field(&with_field(&sample.packet, &[tag, 0]), &[tag, 1, 1]);
            assert_eq!(Frame::decode(&packet).as_ref(), Ok(&sample.frame), "{}", sample.name);
        }
    }
}

#[test]
fn a_binding_has_a_port() {
    for name in ["accept", "confirm"] {
        let packet = sample(name);
        let at = 4 + field_at(&packet[4..], 4);
        let packet = with_byte(&packet, at + 2, 0);
        assert_eq!(Frame::decode(&packet), Err(ProtocolError::InvalidField(4)), "{name}");
    }
}

#[test]
fn a_detail_has_a_longest_length() {
    let failure = sample("failure");
    let header = 4 + usize::from(u16::from_be_bytes([failure[2], failure[3]]));
    let with_detail = |length| [&failure[..header], &vec![7; length]].concat().into();
    let longest = Frame::decode(&with_detail(Detail::MAX_VALUE));
    assert!(matches!(longest, Ok(Frame::Failure { detail, .. }) if detail.value.len() == 8_192));
    let longer = Frame::decode(&with_detail(Detail::MAX_VALUE + 1));
    assert_eq!(longer, Err(ProtocolError::DetailTooLong));
}

#[test]
fn a_missing_field_is_named() {
    let packet = samples::hex("01 04 0003 04 01 07");
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::MissingField(3)));
    let packet = samples::hex("01 04 0012 03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa");
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::MissingField(4)));
    let packet = samples::hex("01 04 0015 03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa 04 01 07");
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::MissingField(19)));
}

#[test]
fn a_body_where_none_belongs_is_refused() {
    for sample in samples::all() {
        let carries_body = matches!(
            sample.frame,
            Frame::Message { .. }
                | Frame::Data { .. }
                | Frame::Reply { .. }
                | Frame::Failure { .. }
        );
        let packet = [&sample.packet[..], b"!"].concat().into();
        let decoded = Frame::decode(&packet);
        assert_eq!(decoded.is_ok(), carries_body, "{}", sample.name);
    }
}

#[test]
fn a_field_longer_than_the_header_is_refused() {
    let packet = samples::hex("01 08 0004 03 10 aaaa");
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::Truncated));
    let endless = samples::hex("01 08 000b 03 ffffffffffffffffff 01");
    assert_eq!(Frame::decode(&endless), Err(ProtocolError::Truncated));
}

#[test]
fn a_number_beyond_64_bits_is_refused() {
    let packet = samples::hex(
        "01 04 001e 03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa 04 0a ffffffffffffffffff02",
    );
    assert_eq!(Frame::decode(&packet), Err(ProtocolError::InvalidField(4)));
    let trailing = samples::hex("01 04 0016 03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa 04 02 0700");
    assert_eq!(Frame::decode(&trailing), Err(ProtocolError::InvalidField(4)));
}

#[test]
fn an_offset_that_cannot_be_counted_is_refused() {
    let header = "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa 07 0a ffffffffffffffffff01";
    let last = samples::hex(&format!("01 05 001e {header}"));
    assert!(Frame::decode(&last).is_ok());
    let beyond = samples::hex(&format!("01 05 001e {header} 00"));
    assert_eq!(Frame::decode(&beyond), Err(ProtocolError::OffsetOverflow));
}

#[test]
fn ids_targets_and_checksums_have_their_length() {
    for packet in [
        "01 08 0011 03 0f aaaaaaaaaaaaaaaa aaaaaaaaaaaaaa",
        "01 08 0013 03 11 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa aa",
    ] {
        assert_eq!(Frame::decode(&samples::hex(packet)), Err(ProtocolError::InvalidField(3)));
    }
    let accept = sample("accept");
    let at = accept.len() - 6;
    for target in [0, 3, 0x7f] {
        assert_eq!(
            Frame::decode(&with_byte(&accept, at, target)),
            Err(ProtocolError::InvalidField(5))
        );
    }
    let end = "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa 08 01 01 09 03 deadbe";
    assert_eq!(
        Frame::decode(&samples::hex(&format!("01 06 001a {end}"))),
        Err(ProtocolError::InvalidField(9))
    );
}
