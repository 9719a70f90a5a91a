//! The packets of `vectors/packets.json`, which other implementations can read too.

use std::sync::LazyLock;

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        ProtocolError,
        frame::{Frame, Head, Refusable},
    },
};
use serde::Deserialize;

use crate::{fields::Fields, hex};

pub(crate) const MESSAGE: MessageId = MessageId::from_bytes([0xaa; 16]);
pub(crate) const INSTANCE: InstanceId = InstanceId::from_bytes([0xbb; 16]);

/// A packet that is valid.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) packet: Bytes,
    pub(crate) frame: Frame,
}

/// A packet that is not, and why.
#[derive(Debug, Clone)]
pub(crate) struct Bad {
    pub(crate) name: String,
    pub(crate) packet: Bytes,
    pub(crate) error: ProtocolError,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    valid: Vec<Valid>,
    valid_in_another_form: Vec<Valid>,
    invalid: Vec<Invalid>,
    not_understood: Vec<NotUnderstood>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Valid {
    name: String,
    hex: String,
    fields: Fields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invalid {
    name: String,
    hex: String,
    error: String,
    /// The tag of the field that it is about.
    field: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotUnderstood {
    name: String,
    hex: String,
    error: String,
    /// The version, type or tag that is not known.
    value: u8,
    refusal: Option<Refusal>,
}

/// The file of a released version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Released {
    valid: Vec<Valid>,
    valid_in_another_form: Vec<Valid>,
}

/// The answer to a packet that is not understood.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    r#type: String,
    service: String,
    instance: String,
    message: String,
}

/// What the library reads and writes so.
pub(crate) fn all() -> &'static [Sample] {
    &SAMPLES.valid
}

/// What it reads, and writes in another form.
pub(crate) fn in_another_form() -> &'static [Sample] {
    &SAMPLES.valid_in_another_form
}

/// The versions of the library that are released, or about to be, each with what it reads.
const RELEASED: [(&str, &str); 1] = [("0.1.0", include_str!("../vectors/released/0.1.0.json"))];

/// What released versions read, and write in one of these forms.
pub(crate) fn released() -> impl Iterator<Item = (&'static str, Vec<Sample>)> {
    RELEASED.into_iter().map(|(version, text)| {
        let file: Released = serde_json::from_str(text).expect("the file can be read");
        let all = file.valid.into_iter().chain(file.valid_in_another_form);
        (version, all.map(Valid::sample).collect())
    })
}

/// What is invalid.
pub(crate) fn invalid() -> &'static [Bad] {
    &SAMPLES.invalid
}

/// What is not understood.
pub(crate) fn not_understood() -> &'static [Bad] {
    &SAMPLES.not_understood
}

struct Samples {
    valid: Vec<Sample>,
    valid_in_another_form: Vec<Sample>,
    invalid: Vec<Bad>,
    not_understood: Vec<Bad>,
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let text = include_str!("../vectors/packets.json");
    let file: File = serde_json::from_str(text).expect("the file can be read");
    let samples = |all: Vec<Valid>| all.into_iter().map(Valid::sample).collect();
    Samples {
        valid: samples(file.valid),
        valid_in_another_form: samples(file.valid_in_another_form),
        invalid: file.invalid.into_iter().map(Invalid::bad).collect(),
        not_understood: file.not_understood.into_iter().map(NotUnderstood::bad).collect(),
    }
});

impl Valid {
    fn sample(self) -> Sample {
        Sample { packet: hex::bytes(&self.hex), frame: self.fields.frame(), name: self.name }
    }
}

impl Invalid {
    fn bad(self) -> Bad {
        let error = match (self.error.as_str(), self.field) {
            ("Truncated", None) => ProtocolError::Truncated,
            ("HeaderTooLong", None) => ProtocolError::HeaderTooLong,
            ("MissingField", Some(tag)) => ProtocolError::MissingField(tag),
            ("RepeatedField", Some(tag)) => ProtocolError::RepeatedField(tag),
            ("InvalidField", Some(tag)) => ProtocolError::InvalidField(tag),
            ("UnexpectedBody", None) => ProtocolError::UnexpectedBody,
            ("OffsetOverflow", None) => ProtocolError::OffsetOverflow,
            (error, field) => panic!("no packet is invalid by {error} of {field:?}"),
        };
        Bad { name: self.name, packet: hex::bytes(&self.hex), error }
    }
}

impl NotUnderstood {
    fn bad(self) -> Bad {
        let error = match (self.error.as_str(), self.refusal) {
            ("UnknownVersion", None) => ProtocolError::UnknownVersion(self.value),
            ("UnknownType", None) => ProtocolError::UnknownType(self.value),
            ("UnknownField", None) => ProtocolError::UnknownField(self.value),
            ("Unsupported", Some(refusal)) => {
                ProtocolError::Unsupported(self.value, Box::new(refusal.refusable()))
            }
            (error, _) => panic!("no packet is not understood by {error}"),
        };
        Bad { name: self.name, packet: hex::bytes(&self.hex), error }
    }
}

impl Refusal {
    fn refusable(self) -> Refusable {
        let service = ServiceName::new(self.service).expect("the name is valid");
        let source =
            Source { service, instance: InstanceId::from_bytes(hex::array(&self.instance)) };
        let message = MessageId::from_bytes(hex::array(&self.message));
        match self.r#type.as_str() {
            "Failure" => Refusable::Request(source, message),
            "Stop" => Refusable::Offer(source, message),
            other => panic!("nothing is refused by {other}"),
        }
    }
}

pub(crate) fn head(service: &str) -> Head {
    Head {
        source: Source {
            service: ServiceName::new(service).expect("the name is valid"),
            instance: INSTANCE,
        },
        content_type: None,
        headers: Headers::new(),
        sequence: None,
        request: None,
    }
}
