//! What an instance tells of itself.

mod counts;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::counts::{BindingCounts, BindingInfo, BoundAs};
use crate::{ConduitState, InstanceId, ServiceName, Source, about::About};

/// What an instance tells of itself, from [`Conduit::instances`](crate::Conduit::instances),
/// [`Conduit::services`](crate::Conduit::services) and
/// [`Conduit::describe`](crate::Conduit::describe).
///
/// In the formats of serde each field has the name that it has here.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, ConduitState, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let builder = Conduit::builder("math").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let conduit = builder.version("1.4.0").description("Squares numbers").build()?;
/// conduit.queue_bind("square").await?.serve(async |number: u64| Ok::<_, Error>(number * number));
/// conduit.own_service().request("square", &4).await?;
///
/// let all = conduit.instances("math").wait(Duration::from_millis(300)).await?;
/// assert_eq!((all[0].version.as_deref(), all[0].state), (Some("1.4.0"), ConduitState::Running));
/// let square = &all[0].bindings[0];
/// assert_eq!((square.subject.as_str(), square.counts.handled), ("square", 1));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceInfo {
    /// The service.
    pub service: ServiceName,
    /// The id of the instance.
    pub instance: InstanceId,
    /// The version, if it has one: see [`Builder::version`](crate::Builder::version).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it is for, if it tells: see [`Builder::description`](crate::Builder::description).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of its runtime's type.
    pub runtime: String,
    /// The name of its transport's type.
    pub transport: String,
    /// The content type of its encoder.
    pub content_type: String,
    /// How far it is in its life.
    pub state: ConduitState,
    /// Its age, in milliseconds.
    pub uptime_ms: u64,
    /// How long it has held back its answer, in microseconds.
    pub held_us: u64,
    /// The time from the question to the answer without that, in microseconds, if it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// Its bindings, in the order in which they were made; while it drains, those that it has left
    /// too. Empty in a [brief](crate::Describing::brief) answer.
    pub bindings: Vec<BindingInfo>,
    /// How many bindings are not listed, since the answer would be too long.
    pub more_bindings: u64,
    /// The counts of all bindings together, those that are not listed included.
    pub total: BindingCounts,
    /// Its limits, each under the name of the method of [`Builder`](crate::Builder), as text.
    pub limits: BTreeMap<String, String>,
    /// The fields of its [`Stats`](crate::Stats).
    pub stats: BTreeMap<String, u64>,
}

impl InstanceInfo {
    /// Describes an instance without details.
    pub(crate) fn new(
        source: &Source,
        about: &About,
        (state, uptime_ms): (ConduitState, u64),
    ) -> Self {
        Self {
            service: source.service.clone(),
            instance: source.instance,
            version: about.version.clone(),
            description: about.description.clone(),
            runtime: about.runtime.to_owned(),
            transport: about.transport.to_owned(),
            content_type: about.content_type.to_owned(),
            state,
            uptime_ms,
            held_us: 0,
            round_trip_us: None,
            bindings: Vec::new(),
            more_bindings: 0,
            total: BindingCounts::default(),
            limits: BTreeMap::new(),
            stats: BTreeMap::new(),
        }
    }

    /// Adds limits and amounts, by the names of their fields.
    pub(crate) fn add_details(&mut self, limits: &impl Serialize, stats: &impl Serialize) {
        self.limits = fields(limits, |value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            value => Some(value.to_string()),
        });
        self.stats = fields(stats, |value| value.as_u64());
    }

    /// Encodes it in at most so many bytes. Bindings that have no room are left out.
    pub(crate) fn encode(mut self, most: usize) -> Option<Bytes> {
        const DIGITS_OF_COUNT: usize = 20;
        let bindings = std::mem::take(&mut self.bindings);
        let mut room = most.checked_sub(json(&self)?.len() + DIGITS_OF_COUNT)?;
        for binding in bindings {
            // With a comma.
            match room.checked_sub(json(&binding)?.len() + 1) {
                Some(left) if self.more_bindings == 0 => {
                    room = left;
                    self.bindings.push(binding);
                }
                _ => self.more_bindings += 1,
            }
        }
        json(&self).map(Bytes::from)
    }

    /// Decodes what an instance told; `None` if that makes no sense.
    pub(crate) fn decode(source: Source, body: &[u8]) -> Option<Self> {
        let info: Self = serde_json::from_slice(body).ok()?;
        let Source { service, instance } = source;
        Some(Self { service, instance, ..info })
    }
}

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

/// Returns the fields of a value by their names, as `read` understands them.
fn fields<T>(of: &impl Serialize, read: impl Fn(Value) -> Option<T>) -> BTreeMap<String, T> {
    let Ok(Value::Object(fields)) = serde_json::to_value(of) else {
        return BTreeMap::new();
    };
    fields.into_iter().filter_map(|(name, value)| Some((name, read(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Stats, config::Config, proto::frame::MAX_DESCRIPTION};

    fn source() -> Source {
        Source {
            service: "a".repeat(128).parse().expect("a name"),
            instance: InstanceId::from_bytes([0xff; InstanceId::LEN]),
        }
    }

    fn info(bindings: usize) -> InstanceInfo {
        let about = About {
            version: Some("1".repeat(About::MAX_VERSION)),
            description: Some("\u{1}".repeat(About::MAX_DESCRIPTION)),
            ..About::default()
        };
        let counts = BindingCounts { messages: u64::MAX, ..BindingCounts::default() };
        let binding = BindingInfo::new("s".parse().expect("a subject"), BoundAs::Bind, counts);
        let bindings = vec![binding; bindings];
        let mut info = InstanceInfo::new(&source(), &about, (ConduitState::Running, u64::MAX));
        info.add_details(&Limits::of(&Config::default()), &Stats::default());
        info.bindings = bindings;
        info
    }

    #[test]
    fn the_longest_description_fits_and_says_what_it_leaves_out() {
        for count in [0, 1, 10, 1000] {
            let body = info(count).encode(MAX_DESCRIPTION).expect("it fits");
            assert!(body.len() <= MAX_DESCRIPTION, "{}", body.len());
            let read = InstanceInfo::decode(source(), &body).expect("it is what was written");
            assert_eq!(read.bindings.len() as u64 + read.more_bindings, count as u64);
            assert_eq!(read.more_bindings == 0, count <= 10);
            assert!(count == 0 || !read.bindings.is_empty());
        }
    }

    #[test]
    fn what_a_newer_instance_tells_is_read() {
        let mut body: Value =
            serde_json::from_slice(&info(1).encode(MAX_DESCRIPTION).expect("it fits"))
                .expect("it is JSON");
        body["mood"] = "good".into();
        body["limits"]["patience"] = "9s".into();
        body["bindings"][0]["counts"]["failed"]["Unheard"] = 7.into();
        let read = InstanceInfo::decode(source(), body.to_string().as_bytes());
        let read = read.expect("what is unknown is skipped");
        assert_eq!(read.limits["patience"], "9s");
        assert_eq!(read.bindings[0].counts.failed["Unheard"], 7);
        assert_eq!(InstanceInfo::decode(source(), b"{}"), None);
    }
}
