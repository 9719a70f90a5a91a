//! What the `MessagePack` encoder writes, reads and refuses.

use conduit::{CodecError, Decode, Encode, Encoder};
use conduit_msgpack::{MessagePack, rmp_serde};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::IgnoredAny};
use std::collections::BTreeMap;

type Result<T = ()> = std::result::Result<T, CodecError>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    id: u64,
    name: String,
    weight: f64,
    tags: Vec<String>,
    counts: BTreeMap<i64, u128>,
    state: State,
    parent: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Waiting,
    Running { since: u32 },
    Moved(i8, i8),
    Failed(String),
}

/// Nests through enums alone, whose levels rmp-serde does not count.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Term {
    X,
    Not(Box<Term>),
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MessagePack.encode(value, &mut bytes)?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    MessagePack.decode(bytes)
}

#[test]
fn the_content_type_is_the_registered_one() {
    assert_eq!(MessagePack.content_type(), "application/vnd.msgpack");
}

#[test]
fn a_struct_is_a_map_of_its_field_names() -> Result {
    let job = Job {
        id: 300,
        name: "é".into(),
        weight: 1.0,
        tags: vec!["a".into()],
        counts: BTreeMap::new(),
        state: State::Running { since: 3 },
        parent: None,
    };
    let wire = [
        &b"\x87"[..],
        b"\xa2id\xcd\x01\x2c",
        b"\xa4name\xa2\xc3\xa9",
        b"\xa6weight\xcb\x3f\xf0\0\0\0\0\0\0",
        b"\xa4tags\x91\xa1a",
        b"\xa6counts\x80",
        b"\xa5state\x81\xa7Running\x81\xa5since\x03",
        b"\xa6parent\xc0",
    ];
    assert_eq!(encode(&job)?, wire.concat());
    Ok(())
}

#[test]
fn a_struct_is_read_from_a_map_in_any_order_with_fields_to_skip() -> Result {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: u8,
        y: u8,
    }
    let wire = b"\x84\xa1y\x02\xa3new\xd4\x01\x00\xa4more\x92\xc0\xc4\x01z\xa1x\x01";
    assert_eq!(decode::<Point>(wire)?, Point { x: 1, y: 2 });
    assert_eq!(decode::<Point>(b"\x92\x01\x02")?, Point { x: 1, y: 2 });
    Ok(())
}

#[test]
fn what_is_in_the_buffer_stays() -> Result {
    let mut bytes = b"before".to_vec();
    MessagePack.encode("after", &mut bytes)?;
    assert_eq!(bytes, b"before\xa5after");
    Ok(())
}

#[test]
fn every_kind_of_value_is_passed_over_as_long_as_it_is() -> Result {
    let lengths: [(&[u8], usize); 21] = [
        (b"\x7f", 0),
        (b"\xe0", 0),
        (b"\xc0", 0),
        (b"\xc3", 0),
        (b"\xcc", 1),
        (b"\xd1", 2),
        (b"\xca", 4),
        (b"\xcf", 8),
        (b"\xbf", 31),
        (b"\xd9\xff", 255),
        (b"\xda\x01\x00", 256),
        (b"\xdb\0\x01\0\0", 65_536),
        (b"\xc4\x03", 3),
        (b"\xc5\x01\x00", 256),
        (b"\xc6\0\x01\0\0", 65_536),
        (b"\xd4", 2),
        (b"\xd8", 17),
        (b"\xc7\x03", 4),
        (b"\xc8\x01\x00", 257),
        (b"\xc9\0\x01\0\0", 65_537),
        (b"\xdc\x01\x00", 256),
    ];
    for (head, payload) in lengths {
        let mut bytes = [head, &vec![b'a'; payload]].concat();
        decode::<IgnoredAny>(&bytes).map_err(|error| format!("{head:x?}: {error}"))?;
        bytes.push(0);
        decode::<IgnoredAny>(&bytes).expect_err("a byte too many");
        bytes.truncate(bytes.len() - 2);
        decode::<IgnoredAny>(&bytes).expect_err("a byte too few");
    }
    Ok(())
}

#[test]
fn what_is_not_the_value_is_an_error() {
    let wrong: [(&str, &[u8]); 8] = [
        ("nothing", b""),
        ("another type", b"\xc3"),
        ("a number out of range", b"\x91\xcd\x01\x2c"),
        ("bytes after the value", b"\x91\x07\x07"),
        ("a reserved marker", b"\x91\xc1"),
        ("an array of four milliards", b"\xdd\xff\xff\xff\xff\x07"),
        ("a map of four milliards", b"\xdf\xff\xff\xff\xff\x07"),
        ("four gigabytes of text", b"\x91\xdb\xff\xff\xff\xffabc"),
    ];
    for (what, bytes) in wrong {
        let error = decode::<Vec<u8>>(bytes).expect_err(what);
        assert!(error.is::<rmp_serde::decode::Error>(), "{what}: {error}");
    }
}

#[test]
fn deep_arrays_are_an_error_and_no_overflow() -> Result {
    let nested = |levels| [vec![0x91; levels], vec![0xc0]].concat();
    decode::<IgnoredAny>(&nested(128))?;
    for levels in [129, 1_000_000] {
        decode::<IgnoredAny>(&nested(levels)).expect_err("arrays that are too deep");
    }
    Ok(())
}

#[test]
fn deep_enums_are_an_error_and_no_overflow() -> Result {
    let deepest = (0..128).fold(Term::X, |term, _| Term::Not(Box::new(term)));
    assert_eq!(decode::<Term>(&encode(&deepest)?)?, deepest);

    for levels in [129, 1_000_000] {
        let bytes = [b"\x81\xa3Not".repeat(levels), b"\xa1X".to_vec()].concat();
        decode::<Term>(&bytes).expect_err("enums that are too deep");
    }
    Ok(())
}

#[test]
fn many_values_side_by_side_are_not_deep() -> Result {
    let wide = vec![vec![vec![1_u8]; 3]; 10_000];
    assert_eq!(decode::<Vec<Vec<Vec<u8>>>>(&encode(&wide)?)?, wide);
    Ok(())
}

fn job() -> impl Strategy<Value = Job> {
    let tags = prop::collection::vec(any::<String>(), 0..4);
    let counts = prop::collection::btree_map(any::<i64>(), any::<u128>(), 0..20);
    let state = prop_oneof![
        Just(State::Waiting),
        any::<u32>().prop_map(|since| State::Running { since }),
        any::<(i8, i8)>().prop_map(|(x, y)| State::Moved(x, y)),
        any::<String>().prop_map(State::Failed),
    ];
    let numbers = any::<(u64, f64, Option<i64>)>();
    (numbers, any::<String>(), tags, counts, state).prop_map(
        |((id, weight, parent), name, tags, counts, state)| Job {
            id,
            name,
            weight,
            tags,
            counts,
            state,
            parent,
        },
    )
}

proptest! {
    #[test]
    fn a_round_trip_changes_nothing(job in job()) {
        let bytes = encode(&job).expect("a value that MessagePack can express");
        prop_assert_eq!(decode::<Job>(&bytes).expect("what was encoded"), job);
    }

    #[test]
    fn a_body_cut_short_or_drawn_out_is_an_error(
        job in job(), cut in any::<prop::sample::Index>(), byte: u8,
    ) {
        let mut bytes = encode(&job).expect("a value that MessagePack can express");
        prop_assert!(decode::<Job>(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(byte);
        prop_assert!(decode::<Job>(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_never_panics(job in job(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = encode(&job).expect("a value that MessagePack can express");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode::<Job>(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes: Vec<u8>) {
        let _ = decode::<Job>(&bytes);
        let _ = decode::<Vec<Term>>(&bytes);
        let _ = decode::<IgnoredAny>(&bytes);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Wide { number: u128 },
    Keyed { counts: BTreeMap<u8, f32> },
}

/// As the documentation says.
#[test]
fn what_serde_loses() -> Result {
    assert_eq!(decode::<Option<Option<u8>>>(&encode(&Some(None::<u8>))?)?, None);
    assert_eq!(decode::<Option<()>>(&encode(&Some(()))?)?, None);

    assert_eq!(decode::<u128>(&encode(&u128::MAX)?)?, u128::MAX);
    let wide = encode(&Tagged::Wide { number: 7 })?;
    decode::<Tagged>(&wide).expect_err("a type of number that serde cannot hold");

    let keyed = Tagged::Keyed { counts: BTreeMap::from([(1, f32::INFINITY)]) };
    assert_eq!(decode::<Tagged>(&encode(&keyed)?)?, keyed, "it keeps keys and all floats");
    Ok(())
}
