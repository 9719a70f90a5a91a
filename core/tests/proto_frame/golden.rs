//! Every packet of `vectors/packets.json` is what the file says of it.

use bytes::Bytes;
use conduit::proto::frame::Frame;

use crate::{
    hex::{self, text},
    samples::{self, Bad},
};

#[test]
fn every_frame_is_its_golden_packet() {
    for sample in samples::all() {
        assert_eq!(text(&sample.frame.encode()), text(&sample.packet), "{}", sample.name);
    }
}

#[test]
fn every_golden_packet_is_its_frame() {
    for sample in samples::all() {
        assert_eq!(Frame::decode(&sample.packet).as_ref(), Ok(&sample.frame), "{}", sample.name);
    }
}

#[test]
fn what_is_written_in_another_form_is_read_as_well() {
    for sample in samples::in_another_form() {
        assert_eq!(Frame::decode(&sample.packet).as_ref(), Ok(&sample.frame), "{}", sample.name);
        assert_ne!(sample.frame.encode(), sample.packet, "{}", sample.name);
    }
}

/// These files are never changed once their version is released.
#[test]
fn the_packets_of_every_released_version_are_read_as_they_were() {
    for (version, samples) in samples::released() {
        assert!(samples.len() > 40, "{version} has {}", samples.len());
        for sample in samples {
            let read = Frame::decode(&sample.packet);
            assert_eq!(read.as_ref(), Ok(&sample.frame), "{version}: {}", sample.name);
        }
    }
}

#[test]
fn a_version_is_not_released_without_its_packets() {
    let known = |(version, _)| version == env!("CARGO_PKG_VERSION");
    assert!(samples::released().any(known), "copy them to core/tests/vectors/released");
}

#[test]
fn every_bad_packet_is_refused_for_its_reason() {
    for Bad { name, packet, error } in samples::invalid().iter().chain(samples::not_understood()) {
        assert_eq!(Frame::decode(packet).as_ref(), Err(error), "{name}");
    }
}

#[test]
fn no_two_packets_have_one_name() {
    let valid = samples::all().iter().chain(samples::in_another_form()).map(|it| &it.name);
    let bad = samples::invalid().iter().chain(samples::not_understood()).map(|it| &it.name);
    let mut names: Vec<_> = valid.chain(bad).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// The packets that SPEC.md prints, field by field, each line with an explanation.
#[test]
fn the_packets_of_the_specification_are_among_them() {
    let spec = include_str!("../../../SPEC.md");
    let (_, section) = spec.split_once("\n## 16. Golden packets\n").expect("the section exists");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let blocks = section.split("\n\n").filter(|block| block.starts_with("    "));
    let packets = blocks.map(|block| {
        let lines = block.lines().map(str::trim_start);
        lines.map(|line| line.split_once("  ").map_or(line, |(hex, _)| hex)).collect::<String>()
    });
    let packets: Vec<_> = packets.map(|packet| hex::bytes(&packet)).collect();
    assert_eq!(packets.len(), 4);
    for packet in packets {
        let is_there = samples::all().iter().any(|sample| sample.packet == packet);
        assert!(is_there, "{}", text(&packet));
    }
}

#[test]
fn every_type_has_a_golden_packet() {
    let mut types: Vec<u8> = samples::all().iter().map(|sample| sample.packet[1]).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, (1..=19).collect::<Vec<u8>>());
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
fn a_body_shares_the_memory_of_its_packet() {
    let packet: &Bytes = &samples::all()[0].packet;
    let Ok(Frame::Message { body, .. }) = Frame::decode(packet) else {
        panic!("the sample is a message");
    };
    assert_eq!(body.as_ptr(), packet[packet.len() - body.len()..].as_ptr());
}
