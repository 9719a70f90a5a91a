//! What the Protocol Buffers encoder writes, reads and refuses.

use conduit::{CodecError, Decode, Encode, Encoder};
use conduit_protobuf::{Protobuf, prost, prost::Message};
use proptest::prelude::*;

type Result<T = ()> = std::result::Result<T, CodecError>;

#[derive(Clone, PartialEq, Message)]
struct Job {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(double, tag = "3")]
    weight: f64,
    #[prost(bytes = "vec", repeated, tag = "4")]
    parts: Vec<Vec<u8>>,
    #[prost(message, optional, boxed, tag = "5")]
    parent: Option<Box<Job>>,
}

fn encode(job: &Job) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Protobuf.encode(job, &mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Job> {
    Protobuf.decode(bytes)
}

/// A job that has as many ancestors.
fn descendant(ancestors: usize) -> Job {
    (0..ancestors)
        .fold(Job::default(), |parent, _| Job { parent: Some(Box::new(parent)), ..Job::default() })
}

#[test]
fn the_content_type_is_said() {
    assert_eq!(Protobuf.content_type(), "application/protobuf");
}

#[test]
fn a_message_is_its_fields() -> Result {
    let job = Job {
        id: 300,
        name: "ab".into(),
        weight: 1.0,
        parts: vec![vec![9], vec![]],
        parent: Some(Box::default()),
    };
    let wire = b"\x08\xac\x02\x12\x02ab\x19\0\0\0\0\0\0\xf0\x3f\x22\x01\x09\x22\0\x2a\0";
    assert_eq!(encode(&job)?, wire);
    Ok(())
}

#[test]
fn what_is_in_the_buffer_stays() -> Result {
    let mut bytes = b"before".to_vec();
    Protobuf.encode(&Job { id: 1, ..Job::default() }, &mut bytes)?;
    assert_eq!(bytes, b"before\x08\x01");
    Ok(())
}

#[test]
fn an_empty_body_is_the_default() -> Result {
    assert_eq!(decode(b"")?, Job::default());
    Ok(())
}

#[test]
fn an_unknown_field_is_skipped() -> Result {
    assert_eq!(decode(b"\xfa\x01\x01x\x08\x01")?, Job { id: 1, ..Job::default() });
    Ok(())
}

#[test]
fn what_is_not_the_message_is_an_error() {
    let wrong: [(&str, &[u8]); 6] = [
        ("another wire type for a field", b"\x0a\x01x"),
        ("a number without its end", b"\x08\x80"),
        ("a length past the end", b"\x12\xff\xff\xff\xff\x07ab"),
        ("text that is not UTF-8", b"\x12\x01\xff"),
        ("field number zero", b"\x00\x00"),
        ("a valid field, then half a key", b"\x08\x01\x80"),
    ];
    for (what, bytes) in wrong {
        let error = decode(bytes).expect_err(what);
        assert!(error.is::<prost::DecodeError>(), "{what}: {error}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() -> Result {
    let deepest = descendant(100);
    assert_eq!(decode(&encode(&deepest)?)?, deepest);

    // It is written all the same.
    decode(&encode(&descendant(101))?).expect_err("nesting that is too deep");
    // Groups that nobody asked for are skipped, and may not nest for ever either.
    decode(&[0x7b].repeat(1_000_000)).expect_err("groups that are too deep");
    Ok(())
}

fn job() -> impl Strategy<Value = Job> {
    let parts = prop::collection::vec(any::<Vec<u8>>(), 0..4);
    let parent = prop::option::of((0usize..5).prop_map(|depth| Box::new(descendant(depth))));
    (any::<u64>(), any::<String>(), any::<f64>(), parts, parent)
        .prop_map(|(id, name, weight, parts, parent)| Job { id, name, weight, parts, parent })
}

proptest! {
    #[test]
    fn a_round_trip_changes_nothing(job in job()) {
        let bytes = encode(&job).expect("an encoder that cannot fail");
        let decoded = decode(&bytes).expect("what was encoded");
        prop_assert_eq!(decoded, job);
    }

    #[test]
    fn any_bytes_never_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(
        job in job(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let mut bytes = encode(&job).expect("an encoder that cannot fail");
        bytes.push(0);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes);
    }
}
