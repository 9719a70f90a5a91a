//! What the JSON encoder writes, reads and refuses.

use conduit::{CodecError, Decode, Encode, Encoder};
use conduit_json::{Json, serde_json};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type Result = std::result::Result<(), CodecError>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    id: u64,
    name: String,
    weight: f64,
    tags: Vec<String>,
    state: State,
    parent: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Waiting,
    Running { since: u32 },
    Failed(String),
}

#[derive(Debug, Deserialize)]
struct Nest {
    #[expect(dead_code, reason = "what matters is how deep it goes")]
    next: Option<Box<Nest>>,
}

fn encode<T: Serialize + ?Sized>(value: &T) -> std::result::Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    Json.encode(value, &mut bytes)?;
    Ok(bytes)
}

fn nested(levels: usize) -> String {
    format!("{}null{}", r#"{"next":"#.repeat(levels), "}".repeat(levels))
}

#[test]
fn the_content_type_is_the_registered_one() {
    assert_eq!(Json.content_type(), "application/json");
}

#[test]
fn a_value_is_compact_text() -> Result {
    let job = Job {
        id: 7,
        name: "größe \"1\"\n".into(),
        weight: 0.5,
        tags: vec!["a".into()],
        state: State::Running { since: 3 },
        parent: None,
    };
    let text = r#"{"id":7,"name":"größe \"1\"\n","weight":0.5,"tags":["a"],"state":{"Running":{"since":3}},"parent":null}"#;
    assert_eq!(String::from_utf8(encode(&job)?)?, text);
    Ok(())
}

#[test]
fn what_is_in_the_buffer_stays() -> Result {
    let mut bytes = b"before ".to_vec();
    Json.encode("after", &mut bytes)?;
    assert_eq!(bytes, b"before \"after\"");
    Ok(())
}

#[test]
fn an_unsized_value_is_encoded() -> Result {
    assert_eq!(encode(&[1, 2][..])?, b"[1,2]");
    Ok(())
}

#[test]
fn a_key_that_json_has_no_word_for_is_an_error() {
    encode(&BTreeMap::from([((1, 2), 3)])).expect_err("a key that is a tuple");
}

#[test]
fn white_space_around_a_value_is_allowed() -> Result {
    let number: u8 = Json.decode(b" \r\n7\t")?;
    assert_eq!(number, 7);
    Ok(())
}

#[test]
fn what_is_not_the_value_is_an_error() {
    let wrong: [&[u8]; 7] = [b"", b" ", b"{", b"7 8", b"7}", b"-1", b"\"\xff\""];
    for bytes in wrong {
        let result: std::result::Result<u8, _> = Json.decode(bytes);
        let error = result.expect_err("an error");
        assert!(error.is::<serde_json::Error>(), "{bytes:?}: {error}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() -> Result {
    let _: Nest = Json.decode(nested(127).as_bytes())?;
    for levels in [128, 1_000_000] {
        let result: std::result::Result<Nest, _> = Json.decode(nested(levels).as_bytes());
        result.expect_err("nesting that is too deep");
    }
    Ok(())
}

fn job() -> impl Strategy<Value = Job> {
    let state = prop_oneof![
        Just(State::Waiting),
        any::<u32>().prop_map(|since| State::Running { since }),
        any::<String>().prop_map(State::Failed),
    ];
    let tags = prop::collection::vec(any::<String>(), 0..4);
    let numbers = any::<(u64, f64, Option<i64>)>();
    (numbers, any::<String>(), tags, state).prop_map(|((id, weight, parent), name, tags, state)| {
        Job { id, name, weight, tags, state, parent }
    })
}

proptest! {
    #[test]
    fn a_round_trip_changes_nothing(job in job()) {
        let bytes = encode(&job).expect("a value that JSON can express");
        let decoded: Job = Json.decode(&bytes).expect("what was encoded");
        prop_assert_eq!(decoded, job);
    }

    #[test]
    fn a_body_cut_short_is_an_error(job in job(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&job).expect("a value that JSON can express");
        let result: std::result::Result<Job, _> = Json.decode(&bytes[..cut.index(bytes.len())]);
        prop_assert!(result.is_err());
    }

    #[test]
    fn a_changed_byte_never_panics(
        job in job(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let mut bytes = encode(&job).expect("a value that JSON can express");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _: std::result::Result<Job, _> = Json.decode(&bytes);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Wide { number: u128 },
    Keyed { counts: BTreeMap<u8, u8> },
}

/// As the documentation says.
#[test]
fn what_serde_loses() -> Result {
    let nothing: Option<Option<u8>> = Json.decode(&encode(&Some(None::<u8>))?)?;
    assert_eq!(nothing, None);
    let nothing: Option<()> = Json.decode(&encode(&Some(()))?)?;
    assert_eq!(nothing, None);

    let wide: u128 = Json.decode(&encode(&u128::MAX)?)?;
    assert_eq!(wide, u128::MAX);
    let wide = encode(&Tagged::Wide { number: 7 })?;
    let decoded: std::result::Result<Tagged, _> = Json.decode(&wide);
    decoded.expect_err("a type of number that serde cannot hold");

    let counts = BTreeMap::from([(1, 2)]);
    let keyed: BTreeMap<u8, u8> = Json.decode(&encode(&counts)?)?;
    assert_eq!(keyed, counts);
    let decoded: std::result::Result<Tagged, _> = Json.decode(&encode(&Tagged::Keyed { counts })?);
    decoded.expect_err("a key that is text to serde");
    Ok(())
}

#[test]
fn bytes_that_are_no_text_are_an_error_that_says_where() {
    let decoded: std::result::Result<String, _> = Json.decode(b"\n\"a\xff\"");
    let error = decoded.expect_err("it is not UTF-8");
    assert_eq!(error.to_string(), "invalid unicode code point at line 2 column 3");
}
