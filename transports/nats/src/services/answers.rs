//! The answers, as `io.nats.micro.v1` has them.

use std::{fmt, time::Duration};

use conduit::{
    BindingInfo, BoundAs, InstanceInfo,
    transport::{Address, Targets},
};
use serde_json::{Value, json};

use super::time::began;
use crate::subject::Root;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Ping,
    Info,
    Stats,
}

impl Verb {
    pub(super) const ALL: [Self; 3] = [Self::Ping, Self::Info, Self::Stats];

    /// Returns the answer in at most so many bytes. Endpoints that have no room are left out.
    pub(super) fn answer(self, info: &InstanceInfo, root: &Root, most: usize) -> Vec<u8> {
        let mut endpoints = match self {
            Self::Ping => Vec::new(),
            Self::Info | Self::Stats => {
                info.bindings.iter().map(|binding| self.endpoint(info, binding, root)).collect()
            }
        };
        loop {
            let answer = self.object(info, &endpoints).to_string();
            if answer.len() <= most || endpoints.is_empty() {
                return answer.into_bytes();
            }
            endpoints.truncate(endpoints.len() / 2);
        }
    }

    fn object(self, info: &InstanceInfo, endpoints: &[Value]) -> Value {
        let kind = self.to_string().to_lowercase();
        let mut object = json!({
            "type": format!("io.nats.micro.v1.{kind}_response"),
            "name": info.service,
            "id": info.instance,
            // There has to be one.
            "version": info.version.as_deref().unwrap_or("0.0.0"),
            "metadata": { "conduit": "1", "content_type": info.content_type },
        });
        match self {
            Self::Ping => {}
            Self::Info => {
                object["description"] = info.description.as_deref().unwrap_or_default().into();
                object["endpoints"] = endpoints.into();
                // Older tools want these.
                object["subjects"] = endpoints.iter().map(|it| it["subject"].clone()).collect();
            }
            Self::Stats => {
                object["started"] = began(Duration::from_millis(info.uptime_ms)).into();
                object["endpoints"] = endpoints.into();
            }
        }
        object
    }

    fn endpoint(self, info: &InstanceInfo, binding: &BindingInfo, root: &Root) -> Value {
        let targets = match binding.kind {
            BoundAs::QueueBind => Targets::Group,
            _ => Targets::Plain,
        };
        let (service, subject) = (info.service.clone(), binding.subject.clone());
        let (listens, queue) =
            root.subscribe(&Address::Subject { service, subject, targets }).unwrap_or_default();
        let mut endpoint = json!({
            "name": binding.subject.as_str().replace('.', "-"),
            "subject": listens,
            "queue_group": queue.unwrap_or_default(),
        });
        if self == Self::Stats {
            let counts = &binding.counts;
            let (requests, time) = (counts.messages, nanos(counts.time_us));
            endpoint["num_requests"] = requests.into();
            endpoint["num_errors"] = counts.errors.into();
            endpoint["last_error"] = counts.last_error.as_str().into();
            endpoint["processing_time"] = time.into();
            endpoint["average_processing_time"] = time.checked_div(requests).unwrap_or(0).into();
            endpoint["data"] = json!({
                "in_flight": counts.in_flight, "waiting": counts.waiting, "lost": counts.lost,
                "missed": counts.missed, "refused": counts.refused, "bytes": counts.bytes,
                "failed": counts.failed,
            });
        } else {
            endpoint["metadata"] = json!({
                "subject": binding.subject,
                "kind": binding.kind,
                "concurrency": binding.concurrency.to_string(),
            });
        }
        endpoint
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ping => "PING",
            Self::Info => "INFO",
            Self::Stats => "STATS",
        })
    }
}

/// Nanoseconds in the range that the answers have.
fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1000).min(i64::MAX.unsigned_abs())
}
