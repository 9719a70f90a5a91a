//! How deep a value may be nested that the JSON encoder writes: as deep as its decoder takes.

use std::collections::BTreeMap;

use conduit::{CodecError, Decode, Encode};
use conduit_json::{Json, serde_json};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

type Result<T = ()> = std::result::Result<T, CodecError>;

const MOST: usize = 127;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Nest {
    End,
    Newtype(Box<Nest>),
    Maybe(Option<Box<Nest>>),
    Tuple(u8, Box<Nest>),
    Struct { inner: Box<Nest> },
    List(Vec<Nest>),
    Map(BTreeMap<String, Nest>),
    Tagged(Tagged),
    Untagged(Untagged),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Of { inner: Box<Nest> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    List(Vec<Nest>),
}

const KINDS: usize = 8;

/// A value around another one, and how many levels it adds.
fn around(kind: usize, inner: Nest) -> (Nest, usize) {
    match kind {
        0 => (Nest::Newtype(Box::new(inner)), 1),
        1 => (Nest::Maybe(Some(Box::new(inner))), 1),
        2 => (Nest::Tuple(1, Box::new(inner)), 2),
        3 => (Nest::Struct { inner: Box::new(inner) }, 2),
        4 => (Nest::List(vec![Nest::End, inner]), 2),
        5 => (Nest::Map(BTreeMap::from([("key".into(), inner)])), 2),
        6 => (Nest::Tagged(Tagged::Of { inner: Box::new(inner) }), 2),
        _ => (Nest::Untagged(Untagged::List(vec![inner])), 2),
    }
}

/// A value of so many levels, of some kinds in turn.
fn nested(levels: usize, kinds: &[usize]) -> Nest {
    let mut value = (Nest::End, 0);
    for kind in kinds.iter().cycle() {
        // The last level is not always room for two.
        let kind = if value.1 + 1 == levels { 0 } else { *kind };
        if value.1 == levels {
            break;
        }
        let (outer, more) = around(kind, value.0);
        value = (outer, value.1 + more);
    }
    value.0
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Json.encode(value, &mut bytes)?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Json.decode(bytes)
}

/// The deepest is encoded and decoded, and what is one level deeper is neither.
fn goes_as_deep_as<T>(deepest: &T, deeper: &T) -> Result
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(&decode::<T>(&encode(deepest)?)?, deepest);
    let error = encode(deeper).expect_err("it is too deep to be sent");
    assert_eq!(error.to_string(), "it is nested deeper than 127 levels");
    decode::<T>(&serde_json::to_vec(deeper)?).expect_err("it is too deep to be decoded");
    Ok(())
}

#[test]
fn what_would_not_be_decoded_is_not_encoded() -> Result {
    for kind in 0..KINDS {
        goes_as_deep_as(&nested(MOST, &[kind]), &nested(MOST + 1, &[kind]))?;
    }
    Ok(())
}

#[test]
fn the_innermost_level_counts_though_it_is_empty() -> Result {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct List(Vec<List>);

    let nested = |levels| (1..levels).fold(List(vec![]), |inner, _| List(vec![inner]));
    goes_as_deep_as(&nested(MOST), &nested(MOST + 1))
}

#[test]
fn values_side_by_side_are_not_deep() -> Result {
    let wide: Vec<Nest> = (0..1_000).map(|kind| nested(MOST - 1, &[kind % KINDS])).collect();
    assert_eq!(decode::<Vec<Nest>>(&encode(&wide)?)?, wide);
    Ok(())
}

proptest! {
    #[test]
    fn levels_count_whatever_they_are_made_of(
        kinds in prop::collection::vec(0..KINDS, 1..20),
    ) {
        goes_as_deep_as(&nested(MOST, &kinds), &nested(MOST + 1, &kinds)).expect("a limit");
    }
}
