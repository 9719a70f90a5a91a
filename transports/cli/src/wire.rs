//! Packets field by field, as SPEC.md draws them.

use conduit::proto::frame::{FRAMES, Layout};

use crate::show;

/// The names of the fields, by their tags.
const FIELDS: [&str; 20] = [
    "",
    "SERVICE",
    "INSTANCE",
    "MESSAGE",
    "PORT",
    "TARGET",
    "CREDIT",
    "OFFSET",
    "LENGTH",
    "CHECKSUM",
    "TIME_LEFT",
    "CONTENT_TYPE",
    "HEADER",
    "CODE",
    "TEXT",
    "FLAGS",
    "SEQUENCE",
    "REQUEST",
    "FAILURE_CODE",
    "NONCE",
];
const FLAGS: [&str; 6] = ["REPLY", "DONE", "REQUEST", "STARTED", "TRANSIENT", "BRIEF"];

/// A packet whose parts are found, whatever they say.
pub(crate) struct Parts<'a> {
    version: u8,
    kind: u8,
    fields: Vec<(u8, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Finds the parts; `None` if it is no packet.
    pub(crate) fn of(packet: &'a [u8]) -> Option<Self> {
        let (&[version, kind, high, low], rest) = packet.split_first_chunk::<4>()?;
        let (mut header, body) = rest.split_at_checked(u16::from_be_bytes([high, low]).into())?;
        let mut fields = Vec::new();
        while let Some((&tag, rest)) = header.split_first() {
            header = rest;
            let value = take(&mut header)?;
            fields.push((tag, value));
        }
        Some(Self { version, kind, fields, body })
    }

    /// Returns the name of its type.
    pub(crate) fn name(&self) -> String {
        let layout = FRAMES.iter().find(|Layout { kind, .. }| *kind == self.kind);
        match layout {
            Some(layout) if self.version == 1 => layout.name.to_owned(),
            _ => format!("type {} of version {}", self.kind, self.version),
        }
    }

    /// Returns each field as its name and its value.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (String, String)> {
        self.fields.iter().map(|(tag, value)| {
            let name = FIELDS.get(usize::from(*tag)).filter(|name| !name.is_empty());
            let name = name.map_or_else(|| format!("field {tag}"), ToString::to_string);
            (name, shown(*tag, value))
        })
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.body
    }

    /// Returns the packets of a batch; none if it is no batch.
    pub(crate) fn members(&self) -> Vec<&'a [u8]> {
        const BATCH: u8 = 17;
        let (mut body, mut members) = (self.body, Vec::new());
        while self.kind == BATCH
            && !body.is_empty()
            && let Some(member) = take(&mut body)
        {
            members.push(member);
        }
        members
    }
}

/// The value of a field for people.
fn shown(tag: u8, value: &[u8]) -> String {
    let number = || {
        let mut rest = value;
        varint(&mut rest).filter(|_| rest.is_empty())
    };
    let text =
        |value| std::str::from_utf8(value).ok().map(|text: &str| text.escape_debug().to_string());
    let shown = match tag {
        1 | 11 | 14 | 18 => text(value),
        5 => number().map(|number| match number {
            1 => "plain".to_owned(),
            2 => "group".to_owned(),
            number => number.to_string(),
        }),
        12 => header(value),
        15 => number().map(|bits| {
            let set = (0..64).filter(|bit| bits & 1 << bit != 0);
            let name = |bit: usize| {
                FLAGS.get(bit).map_or_else(|| format!("bit {bit}"), ToString::to_string)
            };
            set.map(name).collect::<Vec<_>>().join(" ")
        }),
        4 | 6 | 7 | 8 | 10 | 13 | 16 => number().map(|number| number.to_string()),
        _ => None,
    };
    shown.unwrap_or_else(|| show::hex(value))
}

fn header(mut value: &[u8]) -> Option<String> {
    let key = std::str::from_utf8(take(&mut value)?).ok()?;
    Some(format!("{}={}", key.escape_debug(), std::str::from_utf8(value).ok()?.escape_debug()))
}

/// Takes a length and so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(bytes)?).ok()?;
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

/// Takes a number off the front.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use conduit::proto::frame::Frame;
    use serde_json::Value;

    use super::*;

    fn golden() -> Value {
        let text = include_str!("../../../core/tests/vectors/packets.json");
        serde_json::from_str(text).expect("it is JSON")
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hex");
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn every_golden_packet_is_shown_with_its_fields() {
        for packet in golden()["valid"].as_array().expect("a list") {
            let (hex, fields) = (packet["hex"].as_str().expect("hex"), &packet["fields"]);
            let packet = bytes(hex);
            assert!(Frame::decode(&packet.clone().into()).is_ok());
            let parts = Parts::of(&packet).expect("it is a packet");
            assert_eq!(parts.name(), fields["type"].as_str().expect("a type"));
            assert_eq!(show::hex(parts.body()), fields["body"].as_str().unwrap_or_default());
            for (name, value) in parts.fields() {
                let key = if name == "HEADER" { "headers".into() } else { name.to_lowercase() };
                let wanted = match &fields[&key] {
                    Value::String(text) => text.escape_debug().to_string(),
                    Value::Number(number) => number.to_string(),
                    Value::Array(all) if key == "flags" => {
                        let all = all.iter().map(|flag| flag.as_str().expect("a name"));
                        all.collect::<Vec<_>>().join(" ")
                    }
                    Value::Array(all) => {
                        let all = all.iter().map(|it| {
                            format!(
                                "{}={}",
                                it[0].as_str().expect("a key"),
                                it[1].as_str().expect("a value")
                            )
                        });
                        assert!(all.clone().any(|it| it == value), "{value}");
                        continue;
                    }
                    other => panic!("{hex} has no {key}: {other:?}"),
                };
                if key == "flags" {
                    let names = |text: &str| text.split(' ').map(str::to_owned).collect();
                    let (shown, wanted): (BTreeSet<_>, BTreeSet<_>) =
                        (names(&value), names(&wanted));
                    assert_eq!(shown, wanted);
                    continue;
                }
                assert_eq!(value, wanted, "{hex} {key}");
            }
        }
    }

    #[test]
    fn every_packet_of_the_recorded_conversations_is_shown() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../core/tests/vectors/conversations");
        let mut frames = BTreeSet::new();
        for file in fs::read_dir(folder).expect("the conversations") {
            let text = fs::read(file.expect("a file").path()).expect("it can be read");
            let conversation: Value = serde_json::from_slice(&text).expect("it is JSON");
            for step in conversation["steps"].as_array().expect("a list") {
                let said = &step["says"];
                let Some(hex) = said["hex"].as_str() else { continue };
                let packet = bytes(hex);
                let parts = Parts::of(&packet).expect("it is a packet");
                assert_eq!(parts.name(), said["frame"].as_str().expect("a name"));
                for (name, value) in parts.fields() {
                    assert!(FIELDS.contains(&&*name) && !value.is_empty(), "{hex}: {name} {value}");
                }
                frames.insert(parts.name());
            }
        }
        assert!(frames.len() > 10, "{frames:?}");
    }

    #[test]
    fn what_is_no_packet_is_none() {
        for hex in ["", "0101", "010100ff", "01010002010a"] {
            assert!(Parts::of(&bytes(hex)).is_none(), "{hex}");
        }
    }
}
