//! What is recorded, under virtual time.

mod bounded;
mod recorded;
mod reported;

use std::{collections::BTreeMap, error::Error};

use conduit::{Builder, Conduit};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_metrics::Metrics;
use conduit_sim::Sim;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// A broker, the runtime of everything that is connected to it, and what is recorded.
#[derive(Clone)]
struct World {
    sim: Sim,
    broker: Memory,
    snapshotter: Snapshotter,
}

/// The values of a metric, by labels: counters and gauges, and the lengths of histograms in order.
type Recorded = BTreeMap<String, Vec<f64>>;

impl World {
    /// Runs a test in a world and with a recorder of its own: everything runs in this thread.
    fn run<F: Future<Output = Result>>(test: impl FnOnce(Self) -> F) -> Result {
        let recorder = DebuggingRecorder::new();
        let _guard = metrics::set_default_local_recorder(&recorder);
        let (sim, broker) = (Sim::new(7), Memory::new());
        let world = Self { sim: sim.clone(), broker, snapshotter: recorder.snapshotter() };
        sim.block_on(test(world))
    }

    fn builder(&self, service: &str) -> Builder<Sim, Memory, Json> {
        let builder = Conduit::builder(service).runtime(self.sim.clone()).ids(self.sim.ids());
        builder.transport(self.broker.clone()).encoder(Json)
    }

    fn node(&self, service: &str) -> Result<Conduit<Json>, conduit::Error> {
        self.builder(service).layer(Metrics::new()).build()
    }

    /// Returns what was recorded since the last time, by the name of the metric; of a gauge, how much it
    /// has changed.
    fn recorded(&self) -> BTreeMap<String, Recorded> {
        let mut all: BTreeMap<_, Recorded> = BTreeMap::new();
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let labels =
                key.key().labels().map(|label| format!("{}={}", label.key(), label.value()));
            let labels: Vec<_> = labels.collect();
            #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
            let values = match value {
                DebugValue::Counter(count) => vec![count as f64],
                DebugValue::Gauge(value) => vec![value.0],
                DebugValue::Histogram(values) => values.into_iter().map(|value| value.0).collect(),
            };
            all.entry(key.key().name().to_owned()).or_default().insert(labels.join(" "), values);
        }
        all
    }
}
