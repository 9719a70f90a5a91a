//! Floats that JSON has no number for are refused, wherever they lie.

use std::collections::BTreeMap;

use conduit::{CodecError, Decode, Encode};
use conduit_json::{Json, serde_json};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

type Result<T = ()> = std::result::Result<T, CodecError>;

#[derive(Serialize)]
struct Point(f64, f32);

#[derive(Serialize)]
struct Marker;

#[derive(Serialize)]
struct Newtype(f64);

#[derive(Serialize)]
enum External {
    Newtype(f64),
    Tuple(u8, f32),
    Struct { at: f64 },
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Internal {
    Newtype(Fields),
    Struct { at: f64 },
}

#[derive(Serialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent {
    Newtype(f64),
    Tuple(u8, f64),
    Struct { at: f32 },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Untagged {
    Newtype(f64),
    Tuple(u8, f64),
    Struct { at: f64 },
}

#[derive(Serialize)]
struct Fields {
    at: f64,
}

#[derive(Serialize)]
struct Flat {
    name: &'static str,
    #[serde(flatten)]
    fields: Fields,
    #[serde(flatten)]
    more: BTreeMap<&'static str, f32>,
    #[serde(flatten)]
    external: External,
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Json.encode(value, &mut bytes)?;
    Ok(bytes)
}

/// What encoding values of every kind that serde knows gives, with a float somewhere in them.
fn around(wide: f64, narrow: f32) -> Vec<(&'static str, Result<Vec<u8>>)> {
    macro_rules! values {
        ($($value:expr),* $(,)?) => {
            vec![$((stringify!($value), encode(&$value))),*]
        };
    }
    values![
        wide,
        narrow,
        Some(wide),
        [wide],
        vec![0.0, wide],
        (1, narrow),
        Point(wide, 0.0),
        Point(0.0, narrow),
        Newtype(wide),
        Fields { at: wide },
        External::Newtype(wide),
        External::Tuple(1, narrow),
        External::Struct { at: wide },
        Internal::Newtype(Fields { at: wide }),
        Internal::Struct { at: wide },
        Adjacent::Newtype(wide),
        Adjacent::Tuple(1, wide),
        Adjacent::Struct { at: narrow },
        Untagged::Newtype(wide),
        Untagged::Tuple(1, wide),
        Untagged::Struct { at: wide },
        BTreeMap::from([("key", wide)]),
        Flat {
            name: "",
            fields: Fields { at: wide },
            more: BTreeMap::new(),
            external: External::Newtype(0.0),
        },
        Flat {
            name: "",
            fields: Fields { at: 0.0 },
            more: BTreeMap::from([("key", narrow)]),
            external: External::Newtype(0.0),
        },
        Flat {
            name: "",
            fields: Fields { at: 0.0 },
            more: BTreeMap::new(),
            external: External::Struct { at: wide },
        },
        vec![Some(BTreeMap::from([("key", (1, [Untagged::Newtype(wide)]))]))],
    ]
}

#[test]
fn a_float_that_json_has_no_number_for_is_an_error_at_any_depth() {
    for (wide, narrow, name) in [
        (f64::NAN, f32::NAN, "NaN"),
        (f64::INFINITY, f32::INFINITY, "inf"),
        (f64::NEG_INFINITY, f32::NEG_INFINITY, "-inf"),
    ] {
        for (what, encoded) in around(wide, narrow) {
            let error = encoded.expect_err(what);
            assert!(error.is::<serde_json::Error>(), "{what}: {error}");
            assert_eq!(
                error.to_string(),
                format!("JSON has no number for the float {name}"),
                "{what}"
            );
        }
    }
    for (what, encoded) in around(f64::MAX, f32::MIN_POSITIVE) {
        encoded.map_err(|error| format!("{what}: {error}")).expect("a number");
    }
}

#[test]
fn a_key_that_json_has_no_number_for_is_an_error() {
    /// A map with one key.
    struct Keyed<K>(K);

    impl<K: Serialize> Serialize for Keyed<K> {
        fn serialize<S: serde::Serializer>(
            &self,
            serializer: S,
        ) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_map([(&self.0, 1)])
        }
    }

    encode(&Keyed(f64::NAN)).expect_err("a key that is not a number");
    encode(&Keyed(f32::INFINITY)).expect_err("a key that is infinite");
    encode(&Keyed(Some(f64::NAN))).expect_err("an optional key that is not a number");
    assert_eq!(encode(&Keyed(0.5)).expect("a number"), br#"{"0.5":1}"#);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: (bool, i8, i16, i32, i64, i128),
    more: (u8, u16, u32, u64, u128, char),
    floats: (f32, f64),
    text: String,
    bytes: Vec<u8>,
    nothing: (Option<u8>, ()),
    map: BTreeMap<i64, Option<String>>,
    choices: Vec<Choice>,
    #[serde(flatten)]
    flat: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Choice {
    Unit,
    Newtype(String),
    Tuple(u8, String),
    Struct { field: Option<i32> },
}

fn everything() -> impl Strategy<Value = Everything> {
    let choice = prop_oneof![
        Just(Choice::Unit),
        any::<String>().prop_map(Choice::Newtype),
        any::<(u8, String)>().prop_map(|(number, text)| Choice::Tuple(number, text)),
        any::<Option<i32>>().prop_map(|field| Choice::Struct { field }),
    ];
    let key = "[a-z]{8}";
    (
        (any::<(bool, i8, i16, i32, i64, i128)>(), any::<(u8, u16, u32, u64, u128, char)>()),
        any::<(f32, f64)>(),
        any::<(String, Vec<u8>, Option<u8>)>(),
        prop::collection::btree_map(any::<i64>(), any::<Option<String>>(), 0..4),
        prop::collection::vec(choice, 0..4),
        prop::collection::btree_map(key, any::<u64>(), 0..4),
    )
        .prop_map(|((numbers, more), floats, (text, bytes, nothing), map, choices, flat)| {
            let nothing = (nothing, ());
            Everything { numbers, more, floats, text, bytes, nothing, map, choices, flat }
        })
}

proptest! {
    /// What is checked on its way is written as serde_json writes it.
    #[test]
    fn everything_else_is_written_as_it_was(value in everything()) {
        let bytes = encode(&value).expect("a value that JSON can express");
        prop_assert_eq!(&bytes, &serde_json::to_vec(&value).expect("the same"));
        prop_assert_eq!(Json.decode(&bytes).map_err(|error| error.to_string()), Ok(value));
    }
}

#[test]
fn what_displays_and_what_has_no_fields_is_written_as_it_was() -> Result {
    let address: std::net::IpAddr = "127.0.0.1".parse()?;
    assert_eq!(encode(&address)?, br#""127.0.0.1""#, "it is for people to read");
    assert_eq!(encode(&Marker)?, b"null");
    assert_eq!(encode(&serde_json::json!({"a": [1, null, 0.5]}))?, br#"{"a":[1,null,0.5]}"#);
    Ok(())
}
