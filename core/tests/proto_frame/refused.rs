//! What must not be understood is refused, what may be skipped is skipped.

use bytes::Bytes;
use conduit::proto::{
    Detail, ProtocolError,
    frame::{Frame, Refusable},
};

use crate::samples;

/// The packet with a field added to its header.
pub(crate) fn with_field(packet: &Bytes, field: &[u8]) -> Bytes {
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
    let found = samples::all().iter().find(|sample| sample.name == name);
    found.expect("the sample exists").packet.clone()
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
                Frame::Message { head, .. } => head
                    .request
                    .map(|request| Refusable::Request(head.source.clone(), request.message)),
                Frame::Offer { head, message, .. } => {
                    Some(Refusable::Offer(head.source.clone(), *message))
                }
                _ => None,
            };
            let wanted = wanted.map_or(ProtocolError::UnknownField(tag), |refusable| {
                ProtocolError::Unsupported(tag, Box::new(refusable))
            });
            assert_eq!(Frame::decode(&packet), Err(wanted), "{}", sample.name);
        }
    }
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
fn a_detail_has_a_longest_length() {
    let failure = sample("failure");
    let header = 4 + usize::from(u16::from_be_bytes([failure[2], failure[3]]));
    let with_detail = |length| [&failure[..header], &vec![7; length]].concat().into();
    let longest = Frame::decode(&with_detail(Detail::MAX_VALUE));
    assert!(matches!(longest, Ok(Frame::Failure { detail, .. }) if detail.value.len() == 8_192));
    let longer = Frame::decode(&with_detail(Detail::MAX_VALUE + 1));
    assert_eq!(longer, Err(ProtocolError::DetailTooLong));
}
