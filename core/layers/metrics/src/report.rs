use conduit::{Conduit, Encoder, Stats};
use metrics::{counter, gauge};

use crate::describe;

/// Reports the [`Stats`] of a conduit: what it holds, and what was lost, which no layer sees.
///
/// Each [`update`](Self::update) adds what has changed since the one before, so that the conduits of a
/// program add up. Call it as often as metrics are collected. When this is dropped, what the conduit
/// held is taken back.
///
/// | metric | kind | what it is |
/// | --- | --- | --- |
/// | `conduit.messages.lost` | counter | lost because a binding was full |
/// | `conduit.messages.missed` | counter | to bindings, lost in transit |
/// | `conduit.messages.refused` | counter | to bindings, refused by layers |
/// | `conduit.messages.unsent` | counter | not handed over later, though their sending had succeeded |
/// | `conduit.packets.invalid` | counter | packets that could not be understood |
/// | `conduit.credit.wait.time` | counter | microseconds that outgoing bodies have waited for credit |
/// | `conduit.bodies.incoming`, `.outgoing` | gauge | streamed bodies |
/// | `conduit.bytes.incoming`, `.outgoing` | gauge | bytes that they buffer |
/// | `conduit.bytes.waiting` | gauge | bytes of messages that wait to be taken |
/// | `conduit.requests.pending`, `.open` | gauge | requests sent, and received, that have no answer |
///
/// ```
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_metrics::StatsReport;
///
/// async fn watch(conduit: Conduit<Json>) {
///     let mut report = StatsReport::new();
///     loop {
///         report.update(&conduit);
///         smol::Timer::after(Duration::from_secs(10)).await;
///     }
/// }
/// # drop(watch);
/// ```
#[derive(Debug, Default)]
pub struct StatsReport {
    last: Option<Stats>,
}

/// A metric, and where its value stands.
type Metric = (&'static str, fn(&Stats) -> u64);

const COUNTERS: [Metric; 6] = [
    (describe::LOST, |stats| stats.lost_messages),
    (describe::MISSED, |stats| stats.missed_messages),
    (describe::REFUSED, |stats| stats.refused_messages),
    (describe::UNSENT, |stats| stats.unsent_messages),
    (describe::INVALID, |stats| stats.invalid_packets),
    (describe::STALLED, |stats| {
        u64::try_from(stats.waited_for_credit.as_micros()).unwrap_or(u64::MAX)
    }),
];

const GAUGES: [Metric; 7] = [
    (describe::BODIES_IN, |stats| stats.incoming_bodies as u64),
    (describe::BODIES_OUT, |stats| stats.outgoing_bodies as u64),
    (describe::BYTES_IN, |stats| stats.incoming_bytes),
    (describe::BYTES_OUT, |stats| stats.outgoing_bytes),
    (describe::BYTES_WAITING, |stats| stats.waiting_bytes),
    (describe::PENDING, |stats| stats.pending_requests as u64),
    (describe::OPEN, |stats| stats.open_requests as u64),
];

impl StatsReport {
    /// Creates it, for one conduit.
    #[must_use]
    pub fn new() -> Self {
        describe::of_conduit();
        Self::default()
    }

    /// Records what has changed since the last update.
    pub fn update<E: Encoder>(&mut self, conduit: &Conduit<E>) {
        let stats = conduit.stats();
        let last = self.last.replace(stats);
        let of_last = |value: fn(&Stats) -> u64| last.as_ref().map_or(0, value);
        for (name, value) in COUNTERS {
            counter!(name).increment(value(&stats).saturating_sub(of_last(value)));
        }
        for (name, value) in GAUGES {
            change(name, of_last(value), value(&stats));
        }
    }
}

impl Drop for StatsReport {
    fn drop(&mut self) {
        if let Some(last) = &self.last {
            for (name, value) in GAUGES {
                change(name, value(last), 0);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of bytes are far below 2^53")]
fn change(name: &'static str, from: u64, to: u64) {
    gauge!(name).increment(to as f64 - from as f64);
}
