//! Batches: packets that travel as one.

use bytes::Bytes;
use conduit::proto::{
    ProtocolError,
    frame::{BatchWriter, EncodedHead, Frame, MAX_BATCH, Members, Single},
};
use proptest::{collection::vec, prelude::*};

use crate::samples::{self, Sample};

/// The samples that may travel in a batch.
fn members() -> Vec<&'static Sample> {
    samples::all().iter().filter(|sample| Single::encoded(&sample.packet).is_some()).collect()
}

fn batch(packets: &[Bytes]) -> Bytes {
    let mut writer = BatchWriter::default();
    for packet in packets {
        writer.push(&Single::encoded(packet).expect("it may travel in a batch"), packet.len(), 0);
    }
    writer.finish()
}

/// The body of a batch of any packets.
fn body(packets: &[&[u8]]) -> Bytes {
    let mut body = Vec::new();
    for packet in packets {
        let length = u8::try_from(packet.len()).expect("it is short");
        // A number of up to 14 bits, in two bytes.
        body.extend([length | 0x80, length >> 7]);
        body.extend_from_slice(packet);
    }
    body.into()
}

fn split(packet: &Bytes) -> Vec<Result<Bytes, ProtocolError>> {
    match Frame::decode(packet) {
        Ok(Frame::Batch { packets }) => Members::new(packets).collect(),
        other => panic!("not a batch: {other:?}"),
    }
}

#[test]
fn packets_come_out_as_they_went_in() {
    let packets: Vec<_> = members().iter().map(|sample| sample.packet.clone()).collect();
    for packets in packets.chunks(7).filter(|packets| packets.len() > 1) {
        let split = split(&batch(packets)).into_iter().map(|packet| packet.expect("it is valid"));
        assert_eq!(split.collect::<Vec<_>>(), packets);
    }
}

#[test]
fn a_message_is_the_same_in_a_batch_and_alone() {
    for sample in samples::all() {
        let single = match &sample.frame {
            Frame::Message { head, body } => Single::Message(head.borrowed(), body),
            Frame::Reply { message, head, body } => Single::Reply(*message, head.borrowed(), body),
            _ => continue,
        };
        assert_eq!(single.len(), single.encode().len());
        let mut writer = BatchWriter::default();
        for _ in 0..3 {
            writer.push(&single, single.len(), 1 << 10);
        }
        let length = writer.len_with(0) - 1;
        let packet = writer.finish();
        assert_eq!(packet.len(), length);
        assert_eq!(split(&packet), vec![Ok(single.encode()); 3]);
        assert_eq!(single.encode(), sample.frame.encode());
    }
}

#[test]
fn a_message_is_the_same_with_a_head_that_was_encoded_before() {
    let mut count = 0;
    for sample in samples::all() {
        let Frame::Message { head, body } = &sample.frame else { continue };
        let (Some(number), None) = (head.sequence, head.request) else { continue };
        let encoded = EncodedHead::new(head.borrowed());
        let single = Single::Numbered(&encoded, number, body);
        assert_eq!(single.len(), sample.packet.len(), "{}", sample.name);
        assert_eq!(single.encode(), sample.frame.encode(), "{}", sample.name);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn one_packet_travels_as_it_is() {
    for sample in members() {
        assert_eq!(batch(std::slice::from_ref(&sample.packet)), sample.packet);
    }
}

#[test]
fn some_packets_are_not_valid_in_a_batch_and_the_others_are_read() {
    let good = &members()[0].packet;
    for sample in samples::all() {
        let kind = sample.packet[1];
        let Ok(length) = u8::try_from(sample.packet.len()) else { continue };
        let is_outside = ["Offer", "Data", "Probe", "Batch"]
            .iter()
            .any(|name| conduit::proto::frame::FRAMES[usize::from(kind) - 1].name == *name);
        assert_eq!(Single::encoded(&sample.packet).is_none(), is_outside, "{}", sample.name);
        let packets = body(&[good, &sample.packet[..usize::from(length)], good]);
        let middle = match is_outside {
            true => Err(ProtocolError::NotInBatch(kind)),
            false => Ok(sample.packet.clone()),
        };
        let split: Vec<_> = Members::new(packets).collect();
        assert_eq!(split, [Ok(good.clone()), middle, Ok(good.clone())], "{}", sample.name);
    }
}

#[test]
fn a_length_beyond_the_end_ends_it() {
    let good = &members()[0].packet;
    let whole = body(&[good, good]);
    for cut in 1..good.len() {
        let packets = whole.slice(..whole.len() - cut);
        let split: Vec<_> = Members::new(packets).collect();
        assert_eq!(split, [Ok(good.clone()), Err(ProtocolError::Truncated)]);
    }
    let endless = Bytes::from_static(&[0xff; 11]);
    assert_eq!(Members::new(endless).collect::<Vec<_>>(), [Err(ProtocolError::Truncated)]);
    assert_eq!(Members::new(Bytes::new()).count(), 0);
}

#[test]
fn packets_beyond_the_maximum_are_one_error() {
    let good = &members()[0].packet;
    let packets = body(&vec![&good[..]; MAX_BATCH + 10]);
    let split: Vec<_> = Members::new(packets).collect();
    assert_eq!(split.len(), MAX_BATCH + 1);
    assert!(split[..MAX_BATCH].iter().all(Result::is_ok));
    assert_eq!(split[MAX_BATCH], Err(ProtocolError::Truncated));
}

proptest! {
    /// Whatever the bytes are, each member is a part of them, in order, and there are few.
    #[test]
    fn any_bytes_are_split(bytes in vec(any::<u8>(), 0..300)) {
        let members: Vec<_> = Members::new(bytes.clone().into()).collect();
        prop_assert!(members.len() <= MAX_BATCH + 1);
        let mut rest = &bytes[..];
        for member in members.into_iter().flatten() {
            let at = rest.windows(member.len().max(1)).position(|part| part == &member[..]);
            if !member.is_empty() {
                let at = at.expect("a member is a part of the batch");
                rest = &rest[at + member.len()..];
            }
        }
    }
}
